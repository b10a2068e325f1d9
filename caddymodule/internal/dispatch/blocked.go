package dispatch

import (
	"slices"
	"time"
)

// peek is how long a lease from the main line may wait while lanes are barred: they
// wait to learn how far the main line was read.
const peek = 20 * time.Millisecond

// bar keeps a lane from being looked up while main line events before its first
// deferred one may still come. It says whether there may be some.
func (d *Dispatcher) bar(l *lane, due time.Time) bool {
	if l.first <= d.seen+1 {
		return false
	}
	l.state, l.due = laneBarred, due
	if !l.listed {
		l.listed = true
		d.barred = append(d.barred, l)
	}
	if d.leasing {
		d.stopLease() // it may wait for an event that never comes
	}
	return true
}

// liftBars lets go of the lanes that were barred as far as the main line was not read.
// It may be called only while no lease is under way.
func (d *Dispatcher) liftBars() {
	if len(d.barred) == 0 || d.leasing {
		return
	}
	d.seen = max(d.seen, d.consumer.Stats().Seen)
	d.barred = slices.DeleteFunc(d.barred, func(l *lane) bool {
		if l.state == laneBarred && l.first > d.seen+1 {
			return false
		}
		l.listed = false
		if l.state == laneBarred {
			d.wait(l, l.due)
		}
		return true
	})
}
