package notify

import "time"

// record is what is known of one key.
type record struct {
	// Open: the last that was heard is an error, or a condition that held.
	Open bool `json:"open,omitempty"`
	// At is when the newest event of the key was sent, and Position its place in the buffer, which counts among events
	// of one time.
	At       time.Time `json:"at"`
	Position uint64    `json:"position"`
	// Told is when people were last told that it is open; zero: not since it was last resolved.
	Told time.Time `json:"told,omitzero"`
	// By is the notice that was told last, as an error or as resolved.
	By id `json:"by"`
	// Last is the newest notice, told or not.
	Last id `json:"last"`
	// HeldOpen and HeldOver are the digests in which the key has been counted last, as open and as resolved.
	HeldOpen uint64 `json:"held_open,omitempty"`
	HeldOver uint64 `json:"held_over,omitempty"`
	// Seen is when anything was last heard of the key here.
	Seen time.Time `json:"seen"`
}

// policy is what of a key's events is told.
type policy struct {
	window   time.Duration
	resolved string
}

// next is the record after a notice, and whether people are to be told of it. One that comes again, as
// after a crash, has been decided before; it is too late where a newer one of its key has come.
func (p policy) next(r record, n notice, now time.Time) (after record, tell bool) {
	isNew := r.Seen.IsZero()
	if !isNew && (n.at.Before(r.At) || n.at.Equal(r.At) && n.position < r.Position || n.id == r.By || n.id == r.Last) {
		return r, false
	}
	wasOpen, told := r.Open, r.Told
	r.At, r.Position, r.Seen, r.Last = n.at, n.position, now, n.id
	if n.Kind != kindResolved {
		r.Open = true
		since := now.Sub(told)
		// A clock that was set back would hold notices back for as long.
		tell = !wasOpen || told.IsZero() || since >= p.window || since < 0
		if tell {
			r.Told, r.By = now, n.id
		}
		return r, tell
	}
	r.Open, r.Told = false, time.Time{}
	switch p.resolved {
	case resolvedTold:
		tell = wasOpen && !told.IsZero()
	case resolvedAlways:
		tell = isNew || wasOpen
	}
	if tell {
		r.By = n.id
	}
	return r, tell
}
