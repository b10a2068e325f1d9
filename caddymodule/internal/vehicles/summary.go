package vehicles

import "time"

// State is how things stand with the vehicles.
type State string

// The states.
const (
	// StateOpening: nothing is known yet.
	StateOpening State = "opening"
	// StateKept: they are kept.
	StateKept State = "kept"
	// StateBehind: they are kept, and earlier events are still being read.
	StateBehind State = "behind"
	// StateFailed: the store does not open; it is tried again.
	StateFailed State = "failed"
	// StateOff: none are kept.
	StateOff State = "off"
)

// Summary says how things stand.
type Summary struct {
	State State
	// Err is why, for StateFailed.
	Err error
	// Behind is how many positions of the buffer have yet to be read.
	Behind uint64
	// SilentAfter is that of the settings.
	SilentAfter time.Duration
	// At is when the vehicles were last counted, zero before.
	At      time.Time
	Sources []SourceSummary
	// Told counts the errors that VEHICLE_ERRORs told since this process began to count.
	Told []ToldCount
}

// Summary returns how things stood a moment ago. It waits for nothing.
func (w *Watch) Summary() Summary {
	s := *w.summary.Load()
	s.Told = w.tally.snapshot()
	s.SilentAfter = w.settings.Load().SilentAfter
	return s
}

// publish lets Summary say how things stand.
func (w *Watch) publish() {
	t := &w.table
	s := &Summary{State: StateKept, Behind: w.behind(), At: t.survey.at, Sources: t.survey.found}
	switch {
	case !w.wanted():
		s.State, s.Err = StateOff, t.failed
	case t.failed != nil:
		s.State, s.Err = StateFailed, t.failed
	case t.store == nil:
		s.State = StateOpening
	case s.Behind > 0:
		s.State = StateBehind
	}
	w.summary.Store(s)
}
