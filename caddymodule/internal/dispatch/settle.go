package dispatch

import (
	"errors"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// outbox holds outcomes on their way to the buffer. They become durable in the order in which
// they were put in: one Settle call at a time carries everything that gathered during the
// one before. The numbers count outcomes, so that "everything up to this deferral is durable"
// is one comparison.
type outbox struct {
	gathering []buffer.Outcome
	sent      []buffer.Outcome // with Settle, or to be tried again
	underWay  bool
	put       uint64 // sequence of the last outcome put in
	durable   uint64 // sequence of the last durable one
}

// settlement is the result of one Settle call.
type settlement struct{ err error }

// unsettled counts outcomes that are not durable.
func (o *outbox) unsettled() int { return len(o.gathering) + len(o.sent) }

// submit puts an outcome into the outbox and returns its sequence.
func (d *Dispatcher) submit(out buffer.Outcome) uint64 {
	d.outbox.gathering = append(d.outbox.gathering, out)
	d.outbox.put++
	return d.outbox.put
}

// settle starts a Settle call when there is something to settle and none under way.
func (d *Dispatcher) settle(now time.Time) {
	o := &d.outbox
	if o.underWay || o.unsettled() == 0 || d.backoffs.store.active(now) {
		return
	}
	if len(o.sent) == 0 {
		o.sent, o.gathering = o.gathering, o.sent
	}
	o.underWay = true
	outcomes := o.sent
	go func() {
		s := settlement{err: d.consumer.Settle(d.storing, outcomes...)}
		select {
		case d.settled <- s:
		case <-d.done:
		}
	}()
}

func (d *Dispatcher) onSettled(s settlement) {
	o := &d.outbox
	o.underWay = false
	if s.err != nil {
		if d.backoffs.store.fail(time.Now(), s.err) {
			d.cfg.Log.Error("cannot record what was delivered: deliveries stop until the buffer works again; "+
				"events already delivered and not recorded will be delivered again after a restart", "error", s.err)
		}
		return
	}
	if d.backoffs.store.over() {
		d.cfg.Log.Info("what was delivered can be recorded again: deliveries go on")
	}
	o.durable += uint64(len(o.sent))
	clear(o.sent) // release error texts
	o.sent = o.sent[:0]
	d.lookUpSettled()
	d.answerReopened()
}

// storeWorks reports whether outcomes can be recorded, as far as is known.
func (d *Dispatcher) storeWorks() bool { return d.backoffs.store.failures == 0 }

// storeIsGone reports whether trying again cannot help.
func (d *Dispatcher) storeIsGone() bool {
	err := d.backoffs.store.err
	return errors.Is(err, buffer.ErrClosed) || errors.Is(err, buffer.ErrHalted)
}

// roomForOutcomes reports whether more may be delivered or skipped.
func (d *Dispatcher) roomForOutcomes() bool {
	return d.outbox.unsettled()+d.inFlight < d.limits.unsettled
}
