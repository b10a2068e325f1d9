package fleet

import (
	"container/heap"
	"context"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/simulator"
)

// Run makes the deliveries of a plan when they are due, one after the other, until its end or that of ctx. send reports
// whether it was answered with a 2xx; else Run sends it again as Smartcar does, up to the fourth attempt.
func Run(ctx context.Context, p *Plan, send func(context.Context, Delivery) bool) {
	var again deliveries
	// Of their own, so that answers do not change the plan.
	retryIDs := newIDs(p.o.Seed, streamRetries)
	head, more := p.Next()
	for more || len(again) > 0 {
		d := head
		repeated := len(again) > 0 && (!more || again[0].At < head.At)
		if repeated {
			d = again[0]
		}
		if !wait(ctx, time.Until(p.o.Start.Add(d.At))) {
			return
		}
		if repeated {
			heap.Pop(&again)
		} else {
			head, more = p.Next()
		}
		if send(ctx, d) || d.Attempt == simulator.MaxAttempts {
			continue
		}
		d.At = time.Since(p.o.Start) + p.o.wait(simulator.Wait(d.Attempt))
		d.Attempt++
		d.Kind = Late
		d.id = retryIDs.next()
		heap.Push(&again, d)
	}
}

// wait reports whether ctx goes on after d.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
