package quarantine

import "sync/atomic"

// Reason is why a refused request was not kept, or is kept no more although nobody asked for that.
type Reason int

// The reasons.
const (
	// Rate: more came than may be written.
	Rate Reason = iota
	// TooLarge: its body has more than 256 KiB.
	TooLarge
	// NoEvent: it is a VERIFY, or could be a challenge.
	NoEvent
	// Repeat: an earlier attempt of it is kept, or a later one is stored.
	Repeat
	// Disk: it could not be written, or the disk or the buffer is short of space.
	Disk
	// Displaced: it gave way to a later one, since all the room was taken.
	Displaced
	// Expired: it grew too old.
	Expired
	// Damaged: its file is.
	Damaged
	reasons
)

// String is the reason in one word.
func (r Reason) String() string {
	return [...]string{"rate", "too_large", "no_event", "repeat", "disk", "displaced", "expired", "damaged"}[r]
}

// Reasons are all of them.
func Reasons() []Reason {
	var all []Reason
	for r := range reasons {
		all = append(all, r)
	}
	return all
}

// counters count since the process began.
type counters struct {
	kept, bytes, released, removed atomic.Uint64
	dropped                        [reasons]atomic.Uint64
}

func (c *counters) drop(r Reason, n int) {
	if n > 0 {
		c.dropped[r].Add(uint64(n))
	}
}

// Summary is how things stand.
type Summary struct {
	On bool
	// Kept is how many there are, and Bytes what they take on disk.
	Kept  int
	Bytes int64
	// Releasable are those that verified when they were last looked at, and whose event is not stored; Checking: not all
	// were looked at since the tokens last changed.
	Releasable int
	Checking   bool
	// Failing is why nothing can be kept just now, nil where it can.
	Failing error
	// Written, WrittenBytes, Released and Removed count since the process began, Dropped by Reason.
	Written, WrittenBytes, Released, Removed uint64
	Dropped                                  map[Reason]uint64
}

// Summary returns how things stand. It waits for no disk.
func (s *Store) Summary() Summary {
	sum := Summary{
		On: s.settings.Load().On && s.files != nil, Written: s.counts.kept.Load(), WrittenBytes: s.counts.bytes.Load(),
		Released: s.counts.released.Load(), Removed: s.counts.removed.Load(), Dropped: map[Reason]uint64{},
	}
	for _, r := range Reasons() {
		sum.Dropped[r] = s.counts.dropped[r].Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sum.Kept, sum.Bytes, sum.Failing = len(s.index.entries), s.index.bytes, s.failing
	sum.Checking = len(s.unchecked)+len(s.failed) > 0
	for _, e := range s.index.entries {
		if e.isReleasable() {
			sum.Releasable++
		}
	}
	return sum
}
