package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// call is one call of the handler: the heads of some lanes.
type call struct {
	lanes []*lane
	// probe: this call decides whether the breaker closes.
	probe bool
}

// answer is what came of a call.
type answer struct {
	call    *call
	results []Result
	err     error
	// late: the call's time was over.
	late bool
}

// awaitReady waits beside the scheduler until the handler can take calls.
func (d *Dispatcher) awaitReady(now time.Time) {
	if d.up || d.awaiting || d.backoffs.down.active(now) {
		return
	}
	d.awaiting = true
	d.beside++
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
	d.beside--
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

// delivers says whether a call could be made now, were there an event and a slot.
func (d *Dispatcher) delivers() bool {
	return d.up && d.storeWorks() && d.roomForOutcomes() && d.breaker.allows(1) > 0
}

// deliver calls the handler as often as events, slots and the breaker allow.
func (d *Dispatcher) deliver(now time.Time) {
	d.batchWake = time.Time{}
	if d.ready.len() == 0 {
		d.batchSince = time.Time{}
		return
	}
	for d.ready.len() > 0 && d.underWay < d.cfg.Concurrency && d.delivers() {
		n := d.breaker.allows(max(1, min(d.cfg.Batch.MaxEvents, d.handler.MaxBatch())))
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
		d.send(min(n, d.ready.len()))
	}
}

// send calls the handler with the heads of the first n ready lanes.
func (d *Dispatcher) send(n int) {
	c := &call{lanes: make([]*lane, n), probe: d.breaker.sent()}
	batch := make([]Delivery, n)
	for i := range n {
		l := d.ready.pop()
		l.state = laneFlying
		c.lanes[i] = l
		batch[i] = Delivery{Event: &l.queue[0].event, Attempt: l.queue[0].retry.Attempts + 1}
	}
	d.underWay++
	d.flying += n
	go func() {
		ctx, cancel := context.WithTimeout(d.calls, d.cfg.Timeout)
		defer cancel()
		results, err := d.handler.Handle(ctx, batch)
		late := errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
		d.answers <- answer{call: c, results: results, err: err, late: late} // has room for all calls
	}()
}

// moreAnswers takes the answers that have come meanwhile, so that one look at what
// to do next serves them all.
func (d *Dispatcher) moreAnswers() {
	for {
		select {
		case a := <-d.answers:
			d.onAnswer(a)
		default:
			return
		}
	}
}

func (d *Dispatcher) onAnswer(a answer) {
	now := time.Now()
	d.underWay--
	d.flying -= len(a.call.lanes)
	switch {
	case a.err == nil:
		d.downs = 0
		d.backoffs.down.over()
		d.onResults(a, now)
	case errors.Is(a.err, ErrDown):
		d.breaker.unanswered(a.call.probe)
		d.again(a.call.lanes)
		d.onDown(now, a.err)
	case d.calls.Err() != nil:
		// Cut off by Stop: nobody knows whether the handler did it.
		d.breaker.unanswered(a.call.probe)
		d.again(a.call.lanes)
	case a.late:
		d.onFailedCall(a.call, now, fmt.Sprintf("no answer within %s", d.cfg.Timeout))
	default:
		d.onFailedCall(a.call, now, a.err.Error())
	}
}

// onDown makes deliveries wait until the handler is there again. When it goes down
// time and again without an answer between, they wait longer each time.
func (d *Dispatcher) onDown(now time.Time, err error) {
	if !d.up {
		return // another call of the same process brought the news
	}
	d.up = false
	d.counts.Downs++
	if d.downs++; d.downs > 1 {
		d.backoffs.down.fail(now, err)
	}
	d.cfg.Log.Debug("handler is down: what was in flight is delivered again when it is back", "error", err)
}

// again makes lanes ready whose head was not answered; no attempt is counted.
func (d *Dispatcher) again(lanes []*lane) {
	for _, l := range lanes {
		d.enqueue(l)
	}
}

// onFailedCall counts an attempt for every event of a call that failed as a whole,
// and one failure for the breaker.
func (d *Dispatcher) onFailedCall(c *call, now time.Time, text string) {
	d.breaker.failure(now, c.probe, text)
	for _, l := range c.lanes {
		d.failed(l, now, text, 0)
	}
}

func (d *Dispatcher) onResults(a answer, now time.Time) {
	probe := a.call.probe
	for i, l := range a.call.lanes {
		r := Result{Status: Retry, Error: fmt.Sprintf("the plugin gave %d results for %d events",
			len(a.results), len(a.call.lanes))}
		if i < len(a.results) {
			r = a.results[i]
		}
		switch r.Status {
		case Done:
			d.breaker.succeeded(now, probe)
			d.counts.Delivered++
			d.settleHead(l, buffer.Outcome{Verb: buffer.Done})
		case Reject:
			d.breaker.succeeded(now, probe)
			head := l.queue[0]
			head.retry = counted(head.retry, now, r.Error)
			d.dead(l, buffer.ReasonRejected, clip(r.Code))
		case Unavailable:
			d.breaker.unavailable(now, r.After, clip(r.Error))
			d.enqueue(l)
		default: // Retry, and what is no answer
			d.breaker.failure(now, probe, clip(r.Error))
			d.failed(l, now, r.Error, r.After)
		}
	}
}

// failed counts an attempt of a lane's head that failed.
func (d *Dispatcher) failed(l *lane, now time.Time, text string, after time.Duration) {
	head := l.queue[0]
	head.retry = counted(head.retry, now, text)
	if head.retry.Attempts >= d.cfg.Retry.MaxAttempts {
		d.dead(l, buffer.ReasonExhausted, "")
		return
	}
	wait := d.cfg.Retry.delay(head.retry.Attempts, d.cfg.Rand(), after)
	head.retry.NotBefore = now.Add(wait)
	d.counts.Retried++
	d.logRetry(head, now, wait)
	d.setAside(l, head.retry.NotBefore)
}

// dead makes a dead letter of a lane's head.
func (d *Dispatcher) dead(l *lane, reason buffer.Reason, code string) {
	head := l.queue[0]
	d.counts.Dead++
	d.cfg.Log.Warn("event became a dead letter: the handler will not get it again by itself",
		"event", head.event.ID, "reason", string(reason), "code", code,
		"attempt", head.retry.Attempts, "error", head.retry.LastError)
	d.settleHead(l, buffer.Outcome{Verb: buffer.Dead, Reason: reason, Code: code, Retry: head.retry})
}

// settleHead ends a lane's head for good and goes on with the lane.
func (d *Dispatcher) settleHead(l *lane, out buffer.Outcome) {
	head := l.queue[0]
	if head.main {
		d.inMemory--
	}
	out.Position = head.event.Position
	d.submit(out)
	l.queue[0] = nil
	l.queue = l.queue[1:]
	d.next(l)
}

// logRetry tells of retries: every one at level debug, at most one every ten seconds
// at level info, since a broken handler makes thousands of them.
func (d *Dispatcher) logRetry(it *item, now time.Time, wait time.Duration) {
	log := d.cfg.Log.Debug
	if now.Sub(d.lastInfo) >= 10*time.Second {
		d.lastInfo = now
		log = d.cfg.Log.Info
	}
	log("delivery failed, will be tried again", "event", it.event.ID, "attempt", it.retry.Attempts,
		"error", it.retry.LastError, "retry_in", wait.Round(time.Millisecond))
}
