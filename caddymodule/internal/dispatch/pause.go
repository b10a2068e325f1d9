package dispatch

import (
	"context"
	"errors"
	"time"
)

// ErrStopped means that the dispatcher was stopped, so it does not do this any more.
var ErrStopped = errors.New("deliveries were stopped")

// ErrResumed means that somebody resumed the deliveries that were to be drained.
var ErrResumed = errors.New("deliveries were resumed")

// Pause sends nothing more to the handler; what is in flight is finished. No call begins once
// it has returned.
func (d *Dispatcher) Pause() {
	_ = d.do(context.Background(), func() { d.paused = true })
}

// Resume ends a pause, and has everything tried at once: see tryNow.
func (d *Dispatcher) Resume() {
	_ = d.do(context.Background(), func() {
		d.paused = false
		d.endDrains(ErrResumed)
		d.tryNow(time.Now())
	})
}

// Drain pauses and waits until nothing is in flight and all outcomes are durable. The
// pause stays when ctx ends first, which is ctx's error. ErrResumed or ErrStopped
// when that comes first.
func (d *Dispatcher) Drain(ctx context.Context) error {
	drained := make(chan error, 1)
	if err := d.do(ctx, func() {
		d.paused = true
		d.drains = append(d.drains, drained)
	}); err != nil {
		return err
	}
	return d.await(ctx, drained)
}

// watchDrains ends drains when nothing is in flight.
func (d *Dispatcher) watchDrains() {
	if len(d.drains) > 0 && d.underWay() == 0 && d.outbox.unsettled() == 0 {
		d.endDrains(nil)
	}
}

func (d *Dispatcher) endDrains(err error) {
	for _, drained := range d.drains {
		drained <- err
	}
	d.drains = nil
}

// do has the scheduler do something, and waits until it did and Stats shows it.
func (d *Dispatcher) do(ctx context.Context, f func()) error {
	did := make(chan error, 1)
	select {
	case d.orders <- func() { f(); d.publish(); did <- nil }:
		return d.await(context.Background(), did)
	case <-ctx.Done():
		return ctx.Err()
	case <-d.done:
		return ErrStopped
	}
}

// await waits for the scheduler's answer.
func (d *Dispatcher) await(ctx context.Context, answer <-chan error) error {
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-d.done:
	}
	select {
	case err := <-answer:
		return err
	default:
		return ErrStopped
	}
}
