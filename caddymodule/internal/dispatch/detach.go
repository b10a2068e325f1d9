package dispatch

import (
	"context"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// A buffer remembers what is settled beyond an open event only up to a limit, and stops
// leasing when the oldest open one stays open for too long. The events of a long call are
// therefore detached: they are deferred while they are with the handler, and leased back at
// once as deferred ones. The main line then has nothing of them open, and the answer comes
// as it would have.

const (
	// detachAfter is how long a call may take before its events are detached.
	detachAfter = 2 * time.Second
	// sweepEvery is how often calls under way are checked.
	sweepEvery = time.Second
)

// flight is what is known of a lane's head that is with the handler.
type flight struct {
	// detaching: the head is being deferred and leased back. detached: that is done, or it
	// never was on the main line.
	detaching, detached bool
	// reopened counts what was reopened in the lane since the head took off, which may
	// stand before it on disk.
	reopened int
	// then handles the answer; it is kept until detaching ends.
	then func()
}

// detachLongCalls begins to detach the events of calls that take too long.
func (d *Dispatcher) detachLongCalls(now time.Time) {
	if len(d.inCall) == 0 || now.Before(d.sweepAt) {
		return
	}
	d.sweepAt = now.Add(sweepEvery)
	for c := range d.inCall {
		if c.long || now.Sub(c.begun) < detachAfter {
			continue
		}
		c.long = true
		for _, l := range c.lanes {
			d.detach(l)
		}
	}
}

// detach defers a lane whose head is with the handler.
func (d *Dispatcher) detach(l *lane) {
	head := l.queue[0]
	if !head.main {
		// Only what came since is on the main line.
		for _, it := range l.queue[1:] {
			d.deferItem(l, it)
		}
		l.queue = l.queue[:1]
		d.deferHeld(l)
		l.flight.detached = true
		return
	}
	d.toDisk(l)
	first := l.first
	for _, it := range l.queue {
		d.deferItem(l, it)
	}
	d.deferHeld(l)
	l.first = min(first, head.position()+1)
	deferred := *head
	deferred.main = false
	d.hold(&deferred, &d.held.main) // of the main line it stays as long as it is in memory
	l.queue = []*item{&deferred}
	l.flight.detaching = true
	d.settling = append(d.settling, l)
}

// fetchHead leases the head back.
func (d *Dispatcher) fetchHead(l *lane) {
	d.background++
	name, n := l.name, 1+l.flight.reopened
	d.held.heads++
	d.reserve(l, n*d.held.largest)
	go func() {
		leases, err := d.leaseBack(name, n)
		r := fetchedEvents{lane: l, err: err}
		for i := range leases {
			r.items = append(r.items, &item{event: leases[i].Event, retry: leases[i].Retry})
		}
		select {
		case d.fetched <- r:
		case <-d.done:
		}
	}()
}

// leaseBack tries until it succeeds or Stop ends.
func (d *Dispatcher) leaseBack(name string, n int) ([]buffer.Lease, error) {
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
		leases, err := d.consumer.LeaseDeferred(d.storing, name, buffer.Room{Events: n})
		if err == nil || d.storing.Err() != nil {
			return leases, err
		}
		pause, cancel := context.WithTimeout(d.storing, wait)
		<-pause.Done()
		cancel()
	}
}

// onDetached defers again what was leased together with the head. If the head is not among
// it, because only earlier events were that have been reopened meanwhile, it is looked up
// again: the outcome of an event that is not leased would be ignored, and the event
// delivered again.
func (d *Dispatcher) onDetached(l *lane, items []*item) {
	head := l.queue[0].position()
	behind := len(items) > 0 && items[len(items)-1].position() < head
	for _, it := range items {
		if it.position() != head {
			d.deferItem(l, it)
		}
	}
	if behind && d.storing.Err() == nil {
		l.flight.reopened = max(l.flight.reopened, 2*len(items))
		d.settling = append(d.settling, l)
		return
	}
	l.flight.detaching, l.flight.detached = false, true
	if then := l.flight.then; then != nil {
		l.flight.then = nil
		then()
	}
}

// afterDetach handles an answer once the lane's head is not being detached.
func (d *Dispatcher) afterDetach(l *lane, then func()) {
	if l.flight.detaching {
		l.flight.then = then
		return
	}
	then()
}
