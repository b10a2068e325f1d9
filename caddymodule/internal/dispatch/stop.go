package dispatch

import (
	"context"
	"fmt"
	"time"
)

// grace is how long Stop goes on after its context has ended, so that the handler notices
// that its calls were cut off, and the last outcomes are stored.
const grace = 250 * time.Millisecond

// stopTimer is the time that Stop has. Its zero value belongs to a dispatcher that runs.
type stopTimer struct {
	ctx   context.Context
	grace <-chan time.Time
}

// start has calls under way go on until ctx ends.
func (s *stopTimer) start(ctx context.Context) { s.ctx = ctx }

// expired is closed when calls under way must be cut off.
func (s *stopTimer) expired() <-chan struct{} {
	if s.ctx == nil || s.grace != nil {
		return nil
	}
	return s.ctx.Done()
}

// startGrace begins the grace time.
func (s *stopTimer) startGrace() { s.grace = time.After(grace) }

// graceOver receives when Stop must return, whatever is open.
func (s *stopTimer) graceOver() <-chan time.Time { return s.grace }

// ended reports whether Stop has nothing left to wait for.
func (d *Dispatcher) ended() bool {
	if d.underWay() > 0 || d.background > 0 || d.outbox.underWay {
		return false
	}
	return d.outbox.unsettled() == 0 || d.storeIsGone()
}

// unfinished returns an error that says what Stop could not finish; nil if nothing.
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
