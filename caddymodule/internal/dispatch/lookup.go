package dispatch

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// fetchedEvents is the result of looking up a deferred lane.
type fetchedEvents struct {
	lane  *lane
	items []*item
	err   error
}

// lookUpDue begins look-ups of due lanes, as long as their events could be delivered.
func (d *Dispatcher) lookUpDue() {
	for d.due.len() > 0 && d.active < d.limits.active && d.hasRoomToLookUp() && d.delivers() {
		l := d.due.pop()
		d.activate(l)
		l.state = laneSettling
		d.reserve(l, d.lookUpBytes())
		d.settling = append(d.settling, l)
	}
	d.lookUpSettled()
}

// lookUpSettled begins the look-ups of lanes whose deferrals are durable, as far as the
// order needs them to be.
func (d *Dispatcher) lookUpSettled() {
	waiting := d.settling[:0]
	for _, l := range d.settling {
		switch {
		case l.mustSee > d.outbox.durable, l.flight.detaching && l.deferred > d.outbox.durable:
			waiting = append(waiting, l)
		case l.flight.detaching && d.held.heads >= headFetches:
			waiting = append(waiting, l)
		case l.flight.detaching:
			d.fetchHead(l)
		case !d.stopping:
			d.lookUp(l)
		}
	}
	clear(d.settling[len(waiting):])
	d.settling = waiting
}

func (d *Dispatcher) lookUp(l *lane) {
	l.state = laneFetching
	l.looked = d.outbox.durable
	d.background++
	name, room := l.name, buffer.Room{Events: l.chunk, Bytes: d.limits.chunkBytes}
	go func() {
		leases, err := d.consumer.LeaseDeferred(d.work, name, room)
		r := fetchedEvents{lane: l, items: d.examine(leases, false), err: err}
		select {
		case d.fetched <- r:
		case <-d.done:
		}
	}()
}

func (d *Dispatcher) onFetched(r fetchedEvents) {
	d.background--
	l := r.lane
	d.unreserve(l)
	if l.flight.detaching {
		d.held.heads--
		d.onDetached(l, r.items)
		return
	}
	if d.stopping {
		return
	}
	if r.err != nil {
		d.cfg.Log.Error("cannot read deferred events from the buffer: they wait; trying again", "error", r.err)
		d.deactivate(l)
		d.wait(l, time.Now().Add(maxBackoff), 0)
		return
	}
	if len(r.items) == 0 {
		if l.deferred > l.looked { // that may not have been seen
			l.mustSee = l.deferred
			d.deactivate(l)
			d.queueLookUp(l)
			return
		}
		d.leaveDisk(l)
		return
	}
	last := r.items[len(r.items)-1].position()
	if l.mustSee <= l.looked {
		l.first = last + 1
	} // else something was reopened since the look-up began, which may be lower
	for _, it := range r.items {
		if it.unwanted {
			d.skip(it)
			continue
		}
		d.hold(it, &d.held.fetched)
		l.queue = append(l.queue, it)
	}
	switch {
	case len(l.held) > 0 && l.held[0].position() < last:
		d.deferLane(l, time.Time{}) // the disk puts them in order
	case len(l.queue) == 0:
		d.next(l)
	default:
		d.enqueue(l)
	}
}
