package caddymodule

import (
	"sync/atomic"
	"time"
)

// storeTrouble says that events are being refused because they cannot be stored. The
// zero value: they are not.
type storeTrouble struct {
	// err is the error behind the latest refusal.
	err error
	// since is the time of the first refusal that no stored event has followed.
	since time.Time
}

// troubleWatch remembers what became of the last event. An event that is stored costs
// it one load.
type troubleWatch struct {
	now atomic.Pointer[storeTrouble]
}

// refused notes that an event was not stored.
func (w *troubleWatch) refused(at time.Time, err error) {
	for {
		before := w.now.Load()
		t := &storeTrouble{err: err, since: at}
		if before != nil {
			t.since = before.since
		}
		if w.now.CompareAndSwap(before, t) {
			return
		}
	}
}

// stored notes that an event was stored.
func (w *troubleWatch) stored() {
	if w.now.Load() != nil {
		w.now.Store(nil)
	}
}

// current returns the trouble there is.
func (w *troubleWatch) current() storeTrouble {
	if t := w.now.Load(); t != nil {
		return *t
	}
	return storeTrouble{}
}
