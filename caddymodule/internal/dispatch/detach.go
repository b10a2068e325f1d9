package dispatch

import (
	"context"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// A buffer remembers what is settled beyond an open event only for so many events, and
// leases no more when the oldest open one stays so for too long. So that one call that
// takes an hour holds up nobody, the events of a long call are deferred while they are
// with the handler, and leased back at once as deferred ones ("detached"): the main line
// has nothing open any more. The answer comes as it would have.

const (
	// detachAfter is how long a call may take before its events are detached.
	detachAfter = 2 * time.Second
	// sweepEvery is how often calls under way are looked at.
	sweepEvery = time.Second
)

// flight is the state of detaching a lane's head that is with the handler.
type flight struct {
	// detaching: the head is being deferred and leased back. detached: that is done, or it
	// never was on the main line.
	detaching, detached bool
	// reopened counts what was reopened in the lane since the head took off, which may
	// stand before it on disk.
	reopened int
	// then is what the handler's answer leads to, kept until detaching ends.
	then func()
}

// detachLongCalls begins to detach the events of calls that take long.
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
		// Nothing but what came since stands on the main line.
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
	l.queue = []*item{&deferred}
	l.flight.detaching = true
	d.settling = append(d.settling, l)
}

// fetchHead leases the head back.
func (d *Dispatcher) fetchHead(l *lane) {
	d.background++
	name, n := l.name, 1+l.flight.reopened
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
		leases, err := d.consumer.LeaseDeferred(d.storing, name, n)
		if err == nil || d.storing.Err() != nil {
			return leases, err
		}
		pause, cancel := context.WithTimeout(d.storing, wait)
		<-pause.Done()
		cancel()
	}
}

// onDetached gives back what was leased beside the head. Were the head not among them,
// its outcome would be ignored and the event delivered again: when only earlier events
// were, which were reopened meanwhile, it is looked for again behind them.
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

// afterDetach does what an answer leads to, once the lane's head is not being detached.
func (d *Dispatcher) afterDetach(l *lane, then func()) {
	if l.flight.detaching {
		l.flight.then = then
		return
	}
	then()
}
