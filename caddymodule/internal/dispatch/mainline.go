package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// leasedEvents is the result of a lease from the main line.
type leasedEvents struct {
	items []*item
	err   error
}

// lease asks for more of the main line when half of the read-ahead is free, in events and in bytes.
func (d *Dispatcher) lease(now time.Time) {
	if d.leasing || !d.loaded || !d.wasUp || !d.storeWorks() || d.backoffs.lease.active(now) || !d.roomForOutcomes() {
		return
	}
	room := buffer.Room{Events: d.limits.readAhead - d.inMemory, Bytes: d.limits.mainBytes - d.held.main}
	if len(d.blocked) > 0 {
		// What comes before blocked lanes was in memory before the restart, and those lanes
		// do not move until it is read.
		room.Events = max(room.Events, d.limits.readAhead/2)
		if room.Bytes <= 0 {
			return // until some of it is answered
		}
	} else if !d.hasRoom() || d.onDisk >= d.limits.lanes {
		return
	}
	ctx, cancel := context.WithCancel(d.work)
	if len(d.blocked) > 0 {
		ctx, cancel = context.WithTimeout(d.work, peekTimeout)
	}
	d.leasing, d.stopLease = true, cancel
	d.background++
	go func() {
		leases, err := d.consumer.Lease(ctx, room)
		if ctx.Err() != nil && d.work.Err() == nil {
			err = nil // it was only to look
		}
		cancel()
		r := leasedEvents{items: d.examine(leases, true), err: err}
		select {
		case d.leased <- r:
		case <-d.done:
		}
	}()
}

// hasRoom reports whether enough of the read-ahead is free for another lease.
func (d *Dispatcher) hasRoom() bool {
	return d.limits.readAhead-d.inMemory >= d.limits.readAhead/2 &&
		d.limits.mainBytes-d.held.main >= d.limits.mainBytes/2
}

// examine turns leases into items and marks those that the handler does not want. It runs
// outside the scheduler, because When may take a while.
func (d *Dispatcher) examine(leases []buffer.Lease, main bool) []*item {
	items := make([]*item, len(leases))
	for i := range leases {
		it := &item{event: leases[i].Event, retry: leases[i].Retry, main: main}
		wants := d.handler.Wants(it.event.Type)
		it.unmatched = wants && d.cfg.When != nil && !d.cfg.When(&it.event)
		it.unwanted = !wants || it.unmatched
		items[i] = it
	}
	return items
}

func (d *Dispatcher) onLeased(r leasedEvents) {
	d.leasing = false
	d.background--
	if d.stopping {
		return
	}
	if r.err != nil {
		if d.backoffs.lease.fail(time.Now(), r.err) {
			d.cfg.Log.Error("cannot read events from the buffer: new events wait; trying again", "error", r.err)
		}
		return
	}
	if d.backoffs.lease.over() {
		d.cfg.Log.Info("events can be read from the buffer again")
	}
	for _, it := range r.items {
		d.seen = max(d.seen, it.position())
		d.accept(it)
	}
	d.unblock()
}

// accept puts a main line event where it belongs.
func (d *Dispatcher) accept(it *item) {
	if it.unwanted {
		d.skip(it)
		return
	}
	if d.cfg.Order == OrderNone {
		l := &lane{queue: []*item{it}, alone: true}
		d.track(l, it)
		d.enqueue(l)
		return
	}
	name := laneName(&it.event)
	l := d.lanes[name]
	if l == nil {
		l = &lane{name: name, queue: []*item{it}}
		d.lanes[name] = l
		d.track(l, it)
		d.enqueue(l)
		return
	}
	d.track(l, it)
	switch {
	case !l.onDisk:
		l.queue = append(l.queue, it)
	case it.position() < l.first:
		l.insert(it)
		if l.state == laneBlocked {
			d.enqueue(l)
		}
	case l.holds():
		l.held = append(l.held, it)
	default:
		l.held = append(l.held, it)
		d.deferHeld(l)
	}
}

// maxLaneName bounds a lane's name, which buffers use as a part of their keys.
const maxLaneName = 200

// laneName returns the event's lane; a digest takes the place of an id that no real
// vehicle has.
func laneName(e *buffer.Event) string {
	name := e.Lane()
	if len(name) <= maxLaneName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "long/" + hex.EncodeToString(sum[:])
}

// enqueue puts a lane whose head can be delivered into a ready list. A lane whose head is not
// its first event is deferred, since the disk keeps it in order, and so is one whose head is
// not due.
func (d *Dispatcher) enqueue(l *lane) {
	if l.behind(d.seen) {
		d.deferLane(l, time.Time{})
		return
	}
	head, now := l.queue[0], time.Now()
	if due := d.dueAt(head.retry, now); due.After(now) && l.waitedFor != head.position() {
		d.deferLane(l, due)
		return
	}
	l.state = laneReady
	if suspect(l.queue[0]) {
		d.suspects.push(l)
		return
	}
	d.ready.push(l)
}

// skip settles an event that the handler does not want.
func (d *Dispatcher) skip(it *item) {
	d.counts.Skipped++
	d.failures.settled(it.position())
	if it.unmatched {
		d.noteUnmatched(&it.event)
	}
	d.submit(buffer.Outcome{Position: it.position(), Verb: buffer.Skip})
}
