package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// leasedEvents is what a lease from the main line brought.
type leasedEvents struct {
	items []*item
	err   error
}

// lease asks for more of the main line when half of the read-ahead is free.
func (d *Dispatcher) lease(now time.Time) {
	if d.leasing || !d.loaded || !d.wasUp || !d.storeWorks() || d.backoffs.lease.active(now) {
		return
	}
	room := d.limits.readAhead - d.inMemory
	if room < d.limits.readAhead/2 || d.onDisk >= d.limits.lanes || !d.roomForOutcomes() {
		return
	}
	d.leasing = true
	d.beside++
	go func() {
		leases, err := d.consumer.Lease(d.work, room)
		r := leasedEvents{items: d.examine(leases, true), err: err}
		select {
		case d.leased <- r:
		case <-d.done:
		}
	}()
}

// examine makes items of leases and marks those that the handler does not want. It
// runs beside the scheduler, since When may take a while.
func (d *Dispatcher) examine(leases []buffer.Lease, main bool) []*item {
	items := make([]*item, len(leases))
	for i := range leases {
		it := &item{event: leases[i].Event, retry: leases[i].Retry, main: main}
		it.unwanted = !d.handler.Wants(it.event.Type) || d.cfg.When != nil && !d.cfg.When(&it.event)
		items[i] = it
	}
	return items
}

func (d *Dispatcher) onLeased(r leasedEvents) {
	d.leasing = false
	d.beside--
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
		d.accept(it)
	}
}

// accept gives a main line event its place.
func (d *Dispatcher) accept(it *item) {
	if it.unwanted {
		d.skip(it)
		return
	}
	d.inMemory++
	if d.cfg.Order == OrderNone {
		d.enqueue(&lane{queue: []*item{it}, alone: true})
		return
	}
	name := laneName(&it.event)
	l := d.lanes[name]
	switch {
	case l == nil:
		l = &lane{name: name, queue: []*item{it}}
		d.lanes[name] = l
		d.enqueue(l)
	case !l.onDisk:
		l.queue = append(l.queue, it)
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

// enqueue puts a lane whose head can be delivered into the ready list.
func (d *Dispatcher) enqueue(l *lane) {
	l.state = laneReady
	d.ready.push(l)
}

// skip settles an event that the handler does not want.
func (d *Dispatcher) skip(it *item) {
	d.counts.Skipped++
	d.submit(buffer.Outcome{Position: it.event.Position, Verb: buffer.Skip})
}
