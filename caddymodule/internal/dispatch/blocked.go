package dispatch

import (
	"slices"
	"time"
)

// peekTimeout bounds a lease from the main line while lanes are blocked: they wait to learn
// how far the main line was read.
const peekTimeout = 20 * time.Millisecond

// block keeps a lane from being looked up while main line events before its first deferred
// one may still come, and reports whether they may.
func (d *Dispatcher) block(l *lane, due time.Time) bool {
	if l.first <= d.seen+1 {
		return false
	}
	l.state, l.due = laneBlocked, due
	if !l.listed {
		l.listed = true
		d.blocked = append(d.blocked, l)
	}
	if d.leasing {
		d.stopLease() // it may wait for an event that never comes
	}
	return true
}

// unblock releases the lanes that the main line was read up to. Call it only while no lease
// is under way.
func (d *Dispatcher) unblock() {
	if len(d.blocked) == 0 || d.leasing {
		return
	}
	d.seen = max(d.seen, d.consumer.Stats().Seen)
	d.blocked = slices.DeleteFunc(d.blocked, func(l *lane) bool {
		if l.state == laneBlocked && l.first > d.seen+1 {
			return false
		}
		l.listed = false
		if l.state == laneBlocked {
			d.wait(l, l.due, l.dueOf)
		}
		return true
	})
}
