package dispatch

import (
	"context"
	"fmt"
	"time"
)

// grace is how long Stop goes on after its context ended, for the handler to notice
// that its calls were cut off and for the last outcomes to be stored.
const grace = 250 * time.Millisecond

// ending is the time that Stop has. Its zero value belongs to a dispatcher that runs.
type ending struct {
	ctx  context.Context
	last <-chan time.Time
}

// begin starts the end, which waits for calls under way until ctx ends.
func (e *ending) begin(ctx context.Context) { e.ctx = ctx }

// patience ends when calls under way are to be cut off.
func (e *ending) patience() <-chan struct{} {
	if e.ctx == nil || e.last != nil {
		return nil
	}
	return e.ctx.Done()
}

// cut begins the grace time.
func (e *ending) cut() { e.last = time.After(grace) }

// over ends when Stop has to return, whatever is open.
func (e *ending) over() <-chan time.Time { return e.last }

// ended reports whether Stop has nothing left to wait for.
func (d *Dispatcher) ended() bool {
	if d.underWay() > 0 || d.background > 0 || d.outbox.underWay {
		return false
	}
	return d.outbox.unsettled() == 0 || d.storeIsGone()
}

// unfinished says what Stop could not finish.
func (d *Dispatcher) unfinished() error {
	if d.underWay() == 0 && d.outbox.unsettled() == 0 {
		return nil
	}
	err := fmt.Errorf("stopping deliveries to %q: %d events without an answer, %d outcomes not recorded; "+
		"they are delivered again later", d.cfg.Name, d.inFlight, d.outbox.unsettled())
	if cause := d.backoffs.store.err; cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
