package traffic

import (
	"sync/atomic"
	"time"
)

// Outage says that events are being refused because they cannot be stored. The
// zero value: they are not.
type Outage struct {
	// Err is the error behind the latest refusal.
	Err error
	// Since is the time of the first refusal that no stored event has followed.
	Since time.Time
}

// OutageWatch remembers what became of the last event. An event that is stored costs
// it one load.
type OutageWatch struct {
	now atomic.Pointer[Outage]
}

// Refused notes that an event was not stored.
func (w *OutageWatch) Refused(at time.Time, err error) {
	for {
		before := w.now.Load()
		t := &Outage{Err: err, Since: at}
		if before != nil {
			t.Since = before.Since
		}
		if w.now.CompareAndSwap(before, t) {
			return
		}
	}
}

// Stored notes that an event was stored.
func (w *OutageWatch) Stored() {
	if w.now.Load() != nil {
		w.now.Store(nil)
	}
}

// Current returns the outage there is.
func (w *OutageWatch) Current() Outage {
	if t := w.now.Load(); t != nil {
		return *t
	}
	return Outage{}
}
