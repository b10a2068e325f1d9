package buffer

import "time"

// Range picks stored events by position and by the time they were stored. Zero
// fields do not restrict.
type Range struct {
	// First and Last are positions, both inclusive.
	First, Last uint64
	// Since is inclusive, Until exclusive.
	Since, Until time.Time
	// Backwards yields the newest first.
	Backwards bool
}

// State is where one event stands with one consumer.
type State struct {
	Consumer string
	// Phase reports whether it was had yet.
	Phase Phase
	// Lane and Retry, for PhaseDeferred.
	Lane  string
	Retry Retry
}

// Phase is a step on an event's way through one consumer.
type Phase string

// The phases.
const (
	// PhasePending: to be leased from the main line, or leased.
	PhasePending Phase = "pending"
	// PhaseDeferred: set aside for later.
	PhaseDeferred Phase = "deferred"
	// PhaseSettled: done, skipped or a dead letter.
	PhaseSettled Phase = "settled"
)
