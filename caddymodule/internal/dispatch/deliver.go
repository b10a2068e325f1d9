package dispatch

import (
	"context"
	"errors"
	"time"
)

// call is one call of the handler: the heads of some lanes.
type call struct {
	lanes []*lane
	items []*item // the heads
	// probe: this call decides whether the breaker closes.
	probe bool
	// alone: no other call may be under way, for it carries a suspect.
	alone bool
	begun time.Time
	// long: its events were detached.
	long bool
	// judged has the freshness of each event; the call's goroutine writes it before it
	// answers.
	judged []judgement
}

// answer is the result of a call.
type answer struct {
	call *call
	// results are those of the events that the handler got: all but the unneeded.
	results []Result
	err     error
	// late: the call took longer than Config.Timeout.
	late bool
}

// awaitReady waits, outside the scheduler, until the handler can take calls.
func (d *Dispatcher) awaitReady(now time.Time) {
	if d.up || d.awaiting || d.backoffs.down.active(now) {
		return
	}
	d.awaiting = true
	d.background++
	go func() {
		err := d.handler.Ready(d.work)
		select {
		case d.readied <- err:
		case <-d.done:
		}
	}()
}

func (d *Dispatcher) onReady(err error) {
	d.awaiting = false
	d.background--
	if d.stopping {
		return
	}
	if err != nil {
		// Ready has no reason to fail while its context lives; do not spin if it does.
		d.backoffs.down.fail(time.Now(), err)
		return
	}
	d.up, d.wasUp = true, true
}

// underWay counts the calls under way.
func (d *Dispatcher) underWay() int { return len(d.inCall) }

// delivers reports whether a call could be made now, given an event and a slot.
func (d *Dispatcher) delivers() bool {
	return d.up && !d.paused && d.storeWorks() && d.roomForOutcomes() && d.breaker.allows(1) > 0
}

// idle reports whether a call could be made, given an event.
func (d *Dispatcher) idle() bool {
	return d.delivers() && d.underWay() < d.cfg.Concurrency && d.ready.len() < d.batchLimit() &&
		d.suspects.len() == 0 && !d.isolating
}

// batchLimit returns how many events the next call may carry.
func (d *Dispatcher) batchLimit() int {
	return d.breaker.allows(max(1, min(d.cfg.Batch.MaxEvents, d.handler.MaxBatch())))
}

// deliver calls the handler for as long as there are events and slots, and the breaker lets
// it.
func (d *Dispatcher) deliver(now time.Time) {
	d.batchWake = time.Time{}
	if d.sendSuspect() {
		return
	}
	for d.ready.len() > 0 && d.underWay() < d.cfg.Concurrency && d.delivers() {
		n := d.batchLimit()
		if d.ready.len() < n && d.cfg.Batch.MaxWait > 0 {
			if d.batchSince.IsZero() {
				d.batchSince = now
			}
			if full := d.batchSince.Add(d.cfg.Batch.MaxWait); now.Before(full) {
				d.batchWake = full
				return
			}
		}
		d.batchSince = time.Time{}
		d.send(&d.ready, n)
	}
	if d.ready.len() == 0 {
		d.batchSince = time.Time{}
	}
}

// send calls the handler with the heads of the first lanes of a ready list, at most n, and
// reports whether there were any.
func (d *Dispatcher) send(from *laneQueue, n int) bool {
	c := &call{alone: from == &d.suspects, begun: time.Now()}
	for len(c.lanes) < n && from.len() > 0 {
		l := from.pop()
		if l.behind(d.seen) { // something was reopened
			d.deferLane(l, time.Time{})
			continue
		}
		l.state, l.flight = laneInFlight, flight{}
		c.lanes = append(c.lanes, l)
		c.items = append(c.items, l.queue[0])
	}
	if len(c.lanes) == 0 {
		return false
	}
	c.probe = d.breaker.sent()
	c.judged = d.fresh.pick(c.items)
	if len(d.inCall) == 0 {
		d.sweepAt = c.begun.Add(sweepEvery)
	}
	d.inCall[c] = struct{}{}
	d.inFlight += len(c.lanes)
	go func() { d.answers <- d.call(c) }() // has room for all calls
	return true
}

// call calls the handler. It runs outside the scheduler.
func (d *Dispatcher) call(c *call) answer {
	ctx, cancel := context.WithTimeout(d.calls, d.cfg.Timeout)
	defer cancel()
	a := answer{call: c}
	var batch []Delivery
	for i, it := range c.items {
		del := Delivery{Event: &it.event, Attempt: it.retry.Attempts + 1, Replay: it.retry.Replay != ""}
		if c.judged != nil {
			c.judged[i].judge(ctx, d, &del)
			if c.judged[i].unneeded {
				continue
			}
		}
		batch = append(batch, del)
	}
	if len(batch) == 0 {
		return a
	}
	log := attemptLog{d.cfg.Log, d.cfg.Stages}
	log.started(batch)
	begun := time.Now()
	a.results, a.err = d.handler.Handle(ctx, batch)
	a.late = errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(a.err, context.DeadlineExceeded)
	log.ended(batch, &a, d.calls.Err() != nil, time.Since(begun))
	return a
}
