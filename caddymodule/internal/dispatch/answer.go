package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// moreAnswers takes the answers that have come meanwhile, so that the scheduler decides once
// for all of them what to do next.
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
	c := a.call
	delete(d.inCall, c)
	d.inFlight -= len(c.lanes)
	if c.alone {
		d.isolating = false
	}
	lanes, judged := d.settleUnneeded(c)
	switch detail, crash := crashDetail(a.err); {
	case len(lanes) == 0:
		d.breaker.unanswered(c.probe) // the handler was not called
	case a.err == nil:
		d.downs = 0
		d.backoffs.down.over()
		d.onResults(c, lanes, judged, a.results, now)
	case crash:
		d.breaker.unanswered(c.probe)
		d.crashed(lanes, detail)
		d.onDown(now)
	case errors.Is(a.err, ErrDown):
		d.breaker.unanswered(c.probe)
		d.redeliver(lanes)
		d.onDown(now)
	case d.calls.Err() != nil:
		// Cut off by Stop: whether the handler finished it is unknown.
		d.breaker.unanswered(c.probe)
		d.redeliver(lanes)
	case a.late:
		d.onFailedCall(c, lanes, now, fmt.Sprintf("no answer within %s", d.cfg.Timeout))
	default:
		d.onFailedCall(c, lanes, now, a.err.Error())
	}
	for i := range c.judged {
		d.fresh.release(&c.judged[i])
	}
}

// settleUnneeded settles the events of a call that the handler did not need to get, and
// returns the others.
func (d *Dispatcher) settleUnneeded(c *call) ([]*lane, []judgement) {
	if c.judged == nil {
		return c.lanes, nil
	}
	if !slices.ContainsFunc(c.judged, func(j judgement) bool { return j.unneeded }) {
		return c.lanes, c.judged
	}
	var lanes []*lane
	var judged []judgement
	for i, l := range c.lanes {
		if !c.judged[i].unneeded {
			lanes, judged = append(lanes, l), append(judged, c.judged[i])
			continue
		}
		d.counts.Skipped++
		d.countSignals(&c.judged[i])
		d.afterDetach(l, func() { d.settleHead(l, buffer.Outcome{Verb: buffer.Skip}) })
	}
	return lanes, judged
}

// onDown has deliveries wait until the handler is back. When it goes down again and again
// without an answer in between, they wait longer each time.
func (d *Dispatcher) onDown(now time.Time) {
	if !d.up {
		return // another call of the same process has reported it
	}
	d.up = false
	d.counts.Downs++
	if d.downs++; d.downs > 1 {
		d.backoffs.down.fail(now, ErrDown)
	}
	d.cfg.Log.Debug("handler is down: what was in flight is delivered again when it is back")
}

// redeliver makes lanes ready whose head got no answer; no attempt is counted.
func (d *Dispatcher) redeliver(lanes []*lane) {
	for _, l := range lanes {
		d.afterDetach(l, func() { d.enqueue(l) })
	}
}

// onFailedCall counts an attempt for every event of a call that failed as a whole,
// and one failure for the breaker.
func (d *Dispatcher) onFailedCall(c *call, lanes []*lane, now time.Time, text string) {
	d.breaker.failure(now, c.probe, text)
	for _, l := range lanes {
		d.afterDetach(l, func() { d.failed(l, now, text, 0) })
	}
}

func (d *Dispatcher) onResults(c *call, lanes []*lane, judged []judgement, results []Result, now time.Time) {
	for i, l := range lanes {
		var r Result
		if i < len(results) {
			r = results[i]
		} else {
			r = Result{Status: Retry, Error: fmt.Sprintf("the plugin gave %d results for %d events", len(results), len(lanes))}
		}
		switch r.Status {
		case Done:
			d.breaker.succeeded(now, c.probe)
			var j judgement
			if judged != nil {
				j = judged[i]
				j.retain()
			}
			d.afterDetach(l, func() { d.finished(l, j) })
		case Reject:
			d.breaker.succeeded(now, c.probe)
			d.afterDetach(l, func() {
				head := l.queue[0]
				d.count(head, now, r.Error)
				d.dead(l, buffer.ReasonRejected, clip(r.Reason))
			})
		case Unavailable:
			d.breaker.unavailable(now, r.After, clip(r.Error))
			d.afterDetach(l, func() { d.enqueue(l) })
		default: // Retry, and any status that does not exist
			d.breaker.failure(now, c.probe, clip(r.Error))
			d.afterDetach(l, func() { d.failed(l, now, r.Error, r.After) })
		}
	}
}

// finished ends a lane's head that the handler has finished. What the handler now knows of
// the signals becomes durable in the same step.
func (d *Dispatcher) finished(l *lane, j judgement) {
	d.counts.Delivered++
	d.countSignals(&j)
	head := l.queue[0]
	if head.retry.Replay != "" {
		d.counts.Replayed++
	}
	d.observe(head, true, head.retry.Attempts+head.retry.Crashes+1)
	memo := j.memo(d)
	d.fresh.release(&j)
	d.settleHead(l, buffer.Outcome{Verb: buffer.Done, Memo: memo})
}

// failed counts an attempt of a lane's head that failed.
func (d *Dispatcher) failed(l *lane, now time.Time, text string, after time.Duration) {
	head := l.queue[0]
	d.count(head, now, text)
	if reason, over := d.cfg.verdict(head.retry); over {
		d.dead(l, reason, "")
		return
	}
	wait := d.cfg.Retry.delay(head.retry.Attempts, d.cfg.Rand(), after)
	head.retry.NotBefore = now.Add(wait)
	d.counts.Retried++
	d.retryError = head.retry.LastError
	d.logRetry(head, now, wait)
	d.deferLane(l, head.retry.NotBefore)
}

// dead makes a dead letter of a lane's head.
func (d *Dispatcher) dead(l *lane, reason buffer.Reason, handlerReason string) {
	head := l.queue[0]
	d.counts.countDead(reason)
	d.observe(head, false, head.retry.Attempts+head.retry.Crashes)
	log := d.cfg.Log.With("event_id", head.event.ID, "reason", string(reason), "attempt", head.retry.Attempts)
	if reason == buffer.ReasonPoison {
		// What the process wrote last may hold anything; the dead letter has it.
		log.Warn("event became a dead letter: the plugin's process ended each time it had the event",
			"crashes", head.retry.Crashes)
	} else {
		log.Warn("event became a dead letter: the handler will not get it again by itself",
			"handler_reason", handlerReason, "error", head.retry.LastError)
	}
	d.settleHead(l, buffer.Outcome{Verb: buffer.Dead, Reason: reason, HandlerReason: handlerReason, Retry: head.retry})
}

// settleHead ends a lane's head for good and goes on with the lane.
func (d *Dispatcher) settleHead(l *lane, out buffer.Outcome) {
	head := l.queue[0]
	d.untrack(l, head)
	d.failures.settled(head.position())
	out.Position = head.position()
	d.submit(out)
	l.queue[0] = nil
	l.queue = l.queue[1:]
	d.next(l)
}

// logRetry logs every retry at level debug, and at most one every ten seconds at level info,
// because a broken handler causes thousands of them.
func (d *Dispatcher) logRetry(it *item, now time.Time, wait time.Duration) {
	log := d.cfg.Log.Debug
	if now.Sub(d.lastInfo) >= 10*time.Second {
		d.lastInfo = now
		log = d.cfg.Log.Info
	}
	log("delivery failed, will be tried again", "event_id", it.event.ID, "attempt", it.retry.Attempts,
		"error", it.retry.LastError, "retry_in", wait.Round(time.Millisecond))
}
