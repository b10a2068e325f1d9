package eventlog

import (
	"os"
	"sort"
)

// DropPageCache tells the system that what lies before a position is read seldom, so that its page cache can serve what
// is written next, and other programs. It changes only how long reading these parts takes. What is not on the disk yet
// stays. One goroutine calls it.
func (l *Log) DropPageCache(before uint64) {
	all := *l.segments.Load()
	i := sort.Search(len(all), func(i int) bool { return all[i].first > l.dropped }) - 1
	for _, s := range all[max(0, i):] {
		if s.first >= before {
			break
		}
		l.dropPageCache(s, before)
	}
	l.dropped = max(l.dropped, before)
}

// dropPageCache does it for one segment. What fails is tried again the next time: it is a hint.
func (l *Log) dropPageCache(s *segment, before uint64) {
	from, to := s.droppable(before)
	if from == to {
		return
	}
	if l.acquire(s) != nil {
		return
	}
	adviseDontNeed(s.file, from, to-from)
	s.reading.RUnlock()
	s.mu.Lock()
	s.dropped = to
	s.mu.Unlock()
}

// droppable returns the whole pages of the file that hold only what is before a position, without those dropped before.
func (s *segment) droppable(before uint64) (from, to int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The end of a segment that was not read since the log was opened is not known, but all of it is old.
	if !s.indexed {
		return 0, 0
	}
	to = s.end
	if before < s.next {
		i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].position > before }) - 1
		if i < 0 {
			return 0, 0
		}
		to = s.marks[i].offset
	}
	// The page in which it ends is needed for what follows.
	to -= to % int64(os.Getpagesize())
	return min(s.dropped, to), to
}
