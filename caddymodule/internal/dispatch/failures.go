package dispatch

import "time"

// maxFailures bounds how many events have the time of their last failed attempt in memory, at some 50 bytes each. The
// events themselves wait on disk, as many as there are.
const maxFailures = 10_000

// failures knows when events last failed, by the monotonic clock, of as many as its limit allows: those that failed the
// latest. Of any other it knows a time that cannot be before its last attempt, so that the time since then is never
// taken for longer than it is.
type failures struct {
	limit int
	// newer and older are position → time. When newer has half the limit it becomes the older one, and what that had is
	// forgotten.
	newer, older map[uint64]time.Time
	// latest is the time of the latest failure. When newer began it was olderEnd, so no time in older is after that.
	latest, olderEnd time.Time
	// forgotten is when what is not in memory failed at the latest.
	forgotten time.Time
}

// newFailures returns one that knows nothing: what has failed did so before begun. With a limit of 0 it remembers only
// when any event last failed.
func newFailures(limit int, begun time.Time) failures {
	return failures{
		limit: limit, newer: map[uint64]time.Time{}, latest: begun, olderEnd: begun, forgotten: begun,
	}
}

// last returns when an event last failed at the latest.
func (f *failures) last(position uint64) time.Time {
	if at, ok := f.newer[position]; ok {
		return at
	}
	if at, ok := f.older[position]; ok {
		return at
	}
	return f.forgotten
}

// note notes that an event failed.
func (f *failures) note(position uint64, at time.Time) {
	if at.After(f.latest) {
		f.latest = at
	}
	if f.limit == 0 {
		f.forgotten = f.latest
		return
	}
	delete(f.older, position)
	f.newer[position] = at
	if len(f.newer) < f.limit/2 {
		return
	}
	if len(f.older) > 0 {
		f.forgotten = f.olderEnd
	}
	f.newer, f.older, f.olderEnd = map[uint64]time.Time{}, f.newer, f.latest
}

// settled forgets an event that gets no further attempt.
func (f *failures) settled(position uint64) {
	delete(f.newer, position)
	delete(f.older, position)
}
