package lossclock

import "time"

// Loss is how a source stands.
type Loss struct {
	// Pending counts the deliveries that were refused and have neither come again nor run out.
	Pending uint64
	// Left is until Smartcar may give up the first of them, 0 when it may have. While events cannot be taken, the time
	// in which this process did not run counts as one of them, see Downtime. Window while there is none.
	Left time.Duration
	// Lost counts those that have run out. Of them Uncertain are those for whose ids there was no room: some may have
	// been stored, and each may count up to four times.
	Lost, Uncertain uint64
	// Recent are the last of the lost, until a day after the last one.
	Recent Recent
	// Unverified counts refused requests that may have been deliveries, and were found to have no right signature or
	// were refused before that was looked at.
	Unverified uint64
}

// Recent are losses of which each followed the one before within a day.
type Recent struct {
	Lost uint64
	// Since is when the first of them was first refused, Last when the last one was lost, by the wall clock.
	Since, Last time.Time
}

// Loss returns how the source stands now.
func (s *Source) Loss() Loss {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.elapsed()
	s.runOut(now)
	l := Loss{
		Pending: uint64(s.order.Len()), Left: s.clock.down.left(now),
		Lost: s.lost, Uncertain: s.uncertain, Unverified: s.unverified.Load(),
	}
	due := func(refused time.Duration) { l.Left = min(l.Left, max(0, s.clock.down.due(refused)-now)) }
	if first := s.order.Front(); first != nil {
		due(first.Value.(*delivery).refused)
	}
	if len(s.rest) > 0 {
		due(s.rest[0].at)
	}
	for _, r := range s.rest {
		l.Pending += r.n
	}
	if r := s.recent; r.lost > 0 && now-r.last <= recently {
		l.Recent = Recent{Lost: r.lost, Since: s.clock.when(r.since, now), Last: s.clock.when(r.last, now)}
	}
	return l
}
