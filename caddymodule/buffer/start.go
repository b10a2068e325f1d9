package buffer

import "time"

// ConsumerSpec names a consumer and says where it starts if it is new.
type ConsumerSpec struct {
	Name  string
	Start Start
}

// Start says with which event a new consumer starts.
type Start struct {
	From StartFrom
	// At, for StartAt: the first stored event that was stored then or later. A time
	// to come is as good as now.
	At time.Time
}

// StartFrom is a place in the buffer.
type StartFrom int

// The places.
const (
	// StartDefault: the first consumers that a buffer ever had, all of that one call,
	// start with the oldest stored event; later ones with the next event appended.
	StartDefault StartFrom = iota
	// StartNow: the next event appended.
	StartNow
	// StartBeginning: the oldest stored event.
	StartBeginning
	// StartAt: a time.
	StartAt
)
