package dispatch

import (
	"container/heap"
	"strconv"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// loaded is what earlier runs deferred.
type loaded struct {
	lanes []buffer.Lane
	err   error
}

// fetchedEvents is what the look-up of a deferred lane brought.
type fetchedEvents struct {
	lane  *lane
	items []*item
	err   error
}

// loadLanes reads the deferred lanes; nothing is leased from the main line before.
func (d *Dispatcher) loadLanes(now time.Time) {
	if d.loaded || d.loading || d.backoffs.lanes.active(now) {
		return
	}
	d.loading = true
	d.beside++
	go func() {
		var r loaded
		for l, err := range d.consumer.Lanes(d.work) {
			if err != nil {
				r.err = err
				break
			}
			r.lanes = append(r.lanes, l)
		}
		select {
		case d.lanesIn <- r:
		case <-d.done:
		}
	}()
}

func (d *Dispatcher) onLanes(r loaded) {
	d.loading = false
	d.beside--
	if d.stopping {
		return
	}
	if r.err != nil {
		if d.backoffs.lanes.fail(time.Now(), r.err) {
			d.cfg.Log.Error("cannot read deferred events from the buffer: deliveries wait; trying again", "error", r.err)
		}
		return
	}
	d.backoffs.lanes.over()
	d.loaded = true
	for _, b := range r.lanes {
		l := &lane{name: b.Name, onDisk: true}
		d.lanes[l.name] = l
		d.onDisk++
		d.wait(l, b.Retry.NotBefore)
	}
}

// setAside defers all of a lane that is in memory, the head first, until due.
func (d *Dispatcher) setAside(l *lane, due time.Time) {
	if !l.onDisk {
		l.onDisk = true
		d.onDisk++
		if l.name == "" {
			l.name = "event/" + strconv.FormatUint(l.queue[0].event.Position, 10)
		}
	} else {
		d.active--
	}
	for _, it := range l.queue {
		d.deferItem(l, it)
	}
	l.queue = nil
	d.deferHeld(l)
	d.wait(l, due)
}

// deferHeld defers what a lane on disk held in memory.
func (d *Dispatcher) deferHeld(l *lane) {
	for _, it := range l.held {
		d.deferItem(l, it)
	}
	l.held = nil
}

func (d *Dispatcher) deferItem(l *lane, it *item) {
	if it.main {
		d.inMemory--
	}
	l.deferred = d.submit(buffer.Outcome{
		Position: it.event.Position, Verb: buffer.Defer, Lane: l.name, Retry: it.retry,
	})
}

// wait puts a lane on disk into the heap until due.
func (d *Dispatcher) wait(l *lane, due time.Time) {
	l.state, l.due, l.chunk = laneWaiting, due, 1
	heap.Push(&d.waiting, l)
}

// wakeWaiting moves lanes that are due from the heap to their turn.
func (d *Dispatcher) wakeWaiting(now time.Time) {
	for len(d.waiting) > 0 && !now.Before(d.waiting[0].due) {
		d.turn(heap.Pop(&d.waiting).(*lane))
	}
}

// turn makes a lane on disk wait for its turn to be looked up.
func (d *Dispatcher) turn(l *lane) {
	l.state = laneDue
	d.due.push(l)
}

// lookUpDue begins look-ups of due lanes, as long as their events could be delivered.
func (d *Dispatcher) lookUpDue() {
	for d.due.len() > 0 && d.active < d.limits.active && d.delivers() {
		d.active++
		l := d.due.pop()
		l.state = laneSettling
		if l.deferred > d.outbox.durable {
			d.settling = append(d.settling, l)
			continue
		}
		d.lookUp(l)
	}
}

// lookUpSettled begins the look-ups that waited for deferrals to become durable.
func (d *Dispatcher) lookUpSettled() {
	if d.stopping {
		return
	}
	waiting := d.settling[:0]
	for _, l := range d.settling {
		if l.deferred > d.outbox.durable {
			waiting = append(waiting, l)
			continue
		}
		d.lookUp(l)
	}
	clear(d.settling[len(waiting):])
	d.settling = waiting
}

func (d *Dispatcher) lookUp(l *lane) {
	l.state = laneFetching
	d.beside++
	name, n := l.name, l.chunk
	go func() {
		leases, err := d.consumer.LeaseDeferred(d.work, name, n)
		r := fetchedEvents{lane: l, items: d.examine(leases, false), err: err}
		select {
		case d.fetched <- r:
		case <-d.done:
		}
	}()
}

func (d *Dispatcher) onFetched(r fetchedEvents) {
	d.beside--
	if d.stopping {
		return
	}
	l := r.lane
	if r.err != nil {
		d.cfg.Log.Error("cannot read deferred events from the buffer: they wait; trying again", "error", r.err)
		d.active--
		d.wait(l, time.Now().Add(maxBackoff))
		return
	}
	if len(r.items) == 0 {
		d.leaveDisk(l)
		return
	}
	for _, it := range r.items {
		if it.unwanted {
			d.skip(it)
			continue
		}
		l.queue = append(l.queue, it)
	}
	if len(l.queue) == 0 {
		d.next(l)
		return
	}
	if due := l.queue[0].retry.NotBefore; due.After(time.Now()) {
		d.setAside(l, due)
		return
	}
	d.enqueue(l)
}

// leaveDisk takes a lane with nothing deferred back to memory.
func (d *Dispatcher) leaveDisk(l *lane) {
	d.active--
	d.onDisk--
	l.onDisk = false
	l.queue, l.held = l.held, nil
	d.next(l)
}

// next goes on with a lane whose head is settled or that has just come to memory.
func (d *Dispatcher) next(l *lane) {
	switch {
	case len(l.queue) > 0:
		d.enqueue(l)
	case l.onDisk && l.alone:
		d.active--
		d.onDisk--
	case l.onDisk:
		// Others take their turn before the lane's next chunk.
		d.active--
		l.chunk = min(2*l.chunk, maxChunk)
		d.turn(l)
	case !l.alone:
		delete(d.lanes, l.name)
	}
}
