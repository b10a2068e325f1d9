package lossclock

import "time"

// second counts the refusals of a second for whose ids there was no room. Which of these deliveries come again cannot
// be seen: each attempt counts, and all are taken for lost at the end. So they are too many, and never too few.
type second struct {
	at time.Duration
	n  uint64
}

func (s *Source) refusedWithoutRoom(now time.Duration) {
	at := now.Truncate(time.Second)
	if n := len(s.rest); n == 0 || s.rest[n-1].at != at {
		s.rest = append(s.rest, second{at: at})
	}
	s.rest[len(s.rest)-1].n++
}

func (s *Source) runOutRest(now time.Duration) {
	for len(s.rest) > 0 && now >= s.rest[0].at+Window+late {
		first := s.rest[0]
		s.rest = s.rest[1:]
		s.uncertain += first.n
		s.lose(first.at, first.at+Window+late, first.n)
	}
	if len(s.rest) == 0 {
		s.rest = nil
	}
}
