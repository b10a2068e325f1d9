package dispatch

import (
	"context"
	"fmt"
	"time"
)

// grace is how long Stop goes on after its context ended, for the handler to notice
// that its calls were cut off and for the last outcomes to be stored.
const grace = 250 * time.Millisecond

// drain is the time that Stop has. Its zero value belongs to a dispatcher that runs.
type drain struct {
	ctx  context.Context
	last <-chan time.Time
}

// begin starts the drain, which waits for calls under way until ctx ends.
func (d *drain) begin(ctx context.Context) { d.ctx = ctx }

// patience ends when calls under way are to be cut off.
func (d *drain) patience() <-chan struct{} {
	if d.ctx == nil || d.last != nil {
		return nil
	}
	return d.ctx.Done()
}

// cut begins the grace time.
func (d *drain) cut() { d.last = time.After(grace) }

// over ends when Stop has to return, whatever is open.
func (d *drain) over() <-chan time.Time { return d.last }

// drained says whether nothing is left to wait for.
func (d *Dispatcher) drained() bool {
	if d.underWay > 0 || d.beside > 0 || d.outbox.underWay {
		return false
	}
	return d.outbox.unsettled() == 0 || d.storeIsGone()
}

// leftovers says what the drain could not finish.
func (d *Dispatcher) leftovers() error {
	if d.underWay == 0 && d.outbox.unsettled() == 0 {
		return nil
	}
	err := fmt.Errorf("stopping deliveries to %q: %d events without an answer, %d outcomes not recorded; "+
		"they are delivered again later", d.cfg.Name, d.flying, d.outbox.unsettled())
	if cause := d.pauses.store.err; cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
