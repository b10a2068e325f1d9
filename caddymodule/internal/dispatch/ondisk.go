package dispatch

import (
	"container/heap"
	"math"
	"strconv"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// loaded is what earlier runs have deferred.
type loaded struct {
	lanes []deferredLane
	err   error
}

// deferredLane is what is needed of a lane on disk; its errors stay there.
type deferredLane struct {
	name  string
	first uint64
	retry buffer.Retry // its times only
}

// loadLanes reads the deferred lanes; nothing is leased from the main line before.
func (d *Dispatcher) loadLanes(now time.Time) {
	if d.loaded || d.loading || d.backoffs.lanes.active(now) {
		return
	}
	d.loading = true
	d.background++
	go func() {
		var r loaded
		r.lanes, r.err = d.readLanes()
		select {
		case d.lanesIn <- r:
		case <-d.done:
		}
	}()
}

// readLanes returns the deferred lanes, after moving events out of lanes that the order no
// longer has.
func (d *Dispatcher) readLanes() ([]deferredLane, error) {
	for {
		if err := d.storeRelaned(); err != nil {
			return nil, err
		}
		var lanes []deferredLane
		for l, err := range d.consumer.Lanes(d.work) {
			if err != nil {
				return nil, err
			}
			lanes = append(lanes, deferredLane{
				name: l.Name, first: l.Position,
				retry: buffer.Retry{NotBefore: l.Retry.NotBefore, LastAt: l.Retry.LastAt},
			})
		}
		if moved, err := d.relane(lanes); err != nil || !moved {
			return lanes, err
		}
	}
}

func (d *Dispatcher) onLanes(r loaded) {
	d.loading = false
	d.background--
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
	d.seen = d.consumer.Stats().Position
	for _, b := range r.lanes {
		l := &lane{name: b.name}
		d.lanes[l.name] = l
		d.toDisk(l)
		l.first, l.high = b.first, math.MaxUint64
		d.wait(l, d.dueAt(b.retry, time.Now()), b.first)
	}
}

// toDisk records that a lane has, or is about to have, deferred events.
func (d *Dispatcher) toDisk(l *lane) {
	if l.onDisk {
		return
	}
	l.onDisk, l.first, l.high = true, math.MaxUint64, 0
	d.onDisk++
	if l.name == "" {
		l.name = eventLane(l.queue[0].position())
	}
}

// eventLane names the lane of a single event.
func eventLane(position uint64) string { return eventLanePrefix + strconv.FormatUint(position, 10) }

const eventLanePrefix = "event/"

// deferLane defers all of a lane that is in memory, the head first, until due.
func (d *Dispatcher) deferLane(l *lane, due time.Time) {
	d.toDisk(l)
	d.deactivate(l)
	var of uint64
	if !due.IsZero() {
		of, l.waitedFor = l.queue[0].position(), 0
	}
	for _, it := range l.queue {
		d.deferItem(l, it)
	}
	l.queue = nil
	d.deferHeld(l)
	d.wait(l, due, of)
}

// deferHeld defers what a lane on disk held in memory.
func (d *Dispatcher) deferHeld(l *lane) {
	for _, it := range l.held {
		d.deferItem(l, it)
	}
	l.held = nil
}

func (d *Dispatcher) deferItem(l *lane, it *item) {
	d.untrack(l, it)
	l.first = min(l.first, it.position())
	l.noteDeferral(it.position(), d.submit(buffer.Outcome{
		Position: it.position(), Verb: buffer.Defer, Lane: l.name, Retry: it.retry,
	}))
}

// noteDeferral records the outbox sequence of a deferral or reopening. Outcomes become
// durable in their order, so a look-up need not wait for those that only ever go higher: it
// sees the lowest of them first.
func (l *lane) noteDeferral(position, put uint64) {
	l.deferred = put
	if position <= l.high {
		l.mustSee = put
		return
	}
	l.high = position
}

// wait puts a lane on disk into the heap until due, which is when the event at position of is due; 0 for none.
func (d *Dispatcher) wait(l *lane, due time.Time, of uint64) {
	l.chunk, l.dueOf = 1, of
	if d.block(l, due) {
		return
	}
	l.state, l.due = laneWaiting, due
	heap.Push(&d.waiting, l)
}

// wakeWaiting moves lanes that are due from the heap to their turn.
func (d *Dispatcher) wakeWaiting(now time.Time) {
	for len(d.waiting) > 0 && !now.Before(d.waiting[0].due) {
		l := heap.Pop(&d.waiting).(*lane)
		if l.dueOf != 0 {
			l.waitedFor = l.dueOf
		}
		d.queueLookUp(l)
	}
}

// queueLookUp makes a lane on disk wait for its turn to be looked up.
func (d *Dispatcher) queueLookUp(l *lane) {
	if d.block(l, time.Time{}) {
		return
	}
	l.state = laneDue
	d.due.push(l)
}

// activate and deactivate count the lanes that are being looked up or delivered.
func (d *Dispatcher) activate(l *lane) {
	if !l.active {
		l.active = true
		d.active++
	}
}

func (d *Dispatcher) deactivate(l *lane) {
	if l.active {
		l.active = false
		d.active--
	}
}

// leaveDisk takes a lane with nothing deferred back to memory.
func (d *Dispatcher) leaveDisk(l *lane) {
	d.deactivate(l)
	d.onDisk--
	l.onDisk, l.first = false, 0
	l.queue, l.held = l.held, nil
	d.next(l)
}

// next goes on with a lane whose head is settled or that has just come to memory.
func (d *Dispatcher) next(l *lane) {
	switch {
	case len(l.queue) > 0:
		d.enqueue(l)
	case l.onDisk && l.alone:
		d.deactivate(l)
		d.onDisk--
	case l.onDisk:
		// Other lanes come before this lane's next chunk.
		d.deactivate(l)
		l.chunk = min(2*max(1, l.chunk), maxChunk)
		d.queueLookUp(l)
	case !l.alone:
		delete(d.lanes, l.name)
	}
}
