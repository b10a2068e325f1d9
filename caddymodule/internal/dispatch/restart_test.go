package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestRestartKeepsDueTimesAttemptsAndOrder(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		r.cfg.Retry.MinDelay, r.cfg.Retry.MaxDelay = time.Minute, time.Minute
		r.h.on("a:1", retry("x"))
		r.add("a:1", "a:2")
		r.start()
		r.wantDeliveries("a:1#1")
		r.stop()
		r.add("a:3", "b:1")
		r.start()
		defer r.stop()
		r.wantDeliveries("b:1#1")
		r.after(59 * time.Second)
		r.wantDeliveries()
		r.after(2 * time.Second)
		r.wantDeliveries("a:1#2", "a:2#1", "a:3#1")
	})
}

func TestDeferredEventIsNotDeliveredBeforeItIsDue(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.add("a:1", "a:2", "a:3")
		c, err := r.store.Consumer(context.Background(), "rig")
		if err != nil {
			t.Fatal(err)
		}
		leases, err := c.Lease(context.Background(), buffer.Room{Events: 2})
		if err != nil || len(leases) != 2 {
			t.Fatalf("leased %d: %v", len(leases), err)
		}
		if err := c.Settle(context.Background(),
			buffer.Outcome{Position: leases[0].Event.Position, Verb: buffer.Defer, Lane: "vehicle/a"},
			buffer.Outcome{Position: leases[1].Event.Position, Verb: buffer.Defer, Lane: "vehicle/a",
				Retry: buffer.Retry{Attempts: 1, LastAt: time.Now(), NotBefore: time.Now().Add(time.Hour)}},
		); err != nil {
			t.Fatal(err)
		}
		c.Close()
		r.start()
		defer r.stop()
		r.after(59 * time.Minute)
		r.wantDeliveries("a:1#1")
		r.after(2 * time.Minute)
		r.wantDeliveries("a:2#2", "a:3#1")
	})
}

// The clock was years ahead when an event was deferred, or was set back since: it waits for as long as it was meant to,
// and so does its vehicle.
func TestDueTimeOfAnotherClock(t *testing.T) {
	for name, off := range map[string]time.Duration{
		"an hour ahead": time.Hour, "ten years ahead": 87600 * time.Hour, "ten years behind": -87600 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(_ *testing.T, r *rig) {
				r.add("a:1", "a:2")
				failed := time.Now().Add(off)
				r.deferred("vehicle/a", buffer.Retry{Attempts: 1, FirstAt: failed, LastAt: failed, NotBefore: failed.Add(time.Minute)})
				r.start()
				defer r.stop()
				if off > 0 {
					r.after(59 * time.Second)
					r.wantDeliveries()
				}
				r.after(2 * time.Second)
				r.wantDeliveries("a:1#2", "a:2#1")
			})
		})
	}
}

type slowLookUp struct {
	buffer.Consumer
	let chan struct{}
}

func (s *slowLookUp) LeaseDeferred(ctx context.Context, lane string, room buffer.Room) ([]buffer.Lease, error) {
	leases, err := s.Consumer.LeaseDeferred(ctx, lane, room)
	<-s.let
	return leases, err
}

func TestEventThatArrivesDuringALookUpIsNotForgotten(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		s := &slowLookUp{let: make(chan struct{})}
		r.wrap = func(c buffer.Consumer) buffer.Consumer { s.Consumer = c; return s }
		r.h.on("a:1", retry("x"))
		r.add("a:1")
		r.start()
		r.wantDeliveries("a:1#1")
		r.after(2 * time.Second)
		s.let <- struct{}{} // finds a:1
		r.wantDeliveries("a:1#2")
		r.add("a:2", "a:3") // while the next look-up, which found nothing, is under way
		r.wantDeliveries()
		close(s.let)
		r.wantDeliveries("a:2#1", "a:3#1")
		r.stop()
	})
}

// slowLease is a consumer whose main line has its second part only later.
type slowLease struct {
	buffer.Consumer
	second time.Time
	calls  int
}

func (s *slowLease) Lease(ctx context.Context, room buffer.Room) ([]buffer.Lease, error) {
	if s.calls++; s.calls == 1 {
		return s.Consumer.Lease(ctx, buffer.Room{Events: 1})
	}
	select {
	case <-time.After(time.Until(s.second)):
		return s.Consumer.Lease(ctx, room)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Whatever is on disk and on the main line when dispatch starts, a lane's events come in
// their order. Deferred and open events take turns here, which a buffer may hold after
// some reopenings and crashes.
func TestDeferredAndOpenEventsTakeTurns(t *testing.T) {
	for _, second := range []time.Duration{0, 4500 * time.Millisecond, time.Minute} {
		t.Run(second.String(), func(t *testing.T) {
			onEachStore(t, func(t *testing.T, r *rig) {
				var want []string
				for i := range 10 {
					want = append(want, fmt.Sprintf("a:%d", i+1))
				}
				r.add(want...)
				c, err := r.store.Consumer(context.Background(), "rig")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Lease(context.Background(), buffer.Room{Events: 10}); err != nil {
					t.Fatal(err)
				}
				for _, position := range []uint64{2, 3, 4, 5, 7, 8, 10} {
					if err := c.Settle(context.Background(), buffer.Outcome{Position: position, Verb: buffer.Defer, Lane: "vehicle/a"}); err != nil {
						t.Fatal(err)
					}
				}
				c.Close()
				r.wrap = func(c buffer.Consumer) buffer.Consumer {
					return &slowLease{Consumer: c, second: time.Now().Add(second)}
				}
				r.h.slow = func(string) time.Duration { return time.Second }
				r.start()
				r.after(2 * time.Minute)
				if !slices.Equal(r.h.sequence(), want) {
					t.Errorf("deliveries %q, want %q", r.h.sequence(), want)
				}
				if s := r.d.Stats(); s.WaitingLanes != 0 || s.InMemory != 0 {
					t.Errorf("stats at rest %+v", s)
				}
				r.stop()
			})
		})
	}
}

// How long an event has failed for goes by time that has verifiably passed: the clock may have been set since its last
// attempt, and neither makes a dead letter early nor keeps the lane from going on.
func TestParkAfterOfAnotherClock(t *testing.T) {
	for name, off := range map[string]time.Duration{
		"an hour behind": -time.Hour, "ten years behind": -87600 * time.Hour, "ten years ahead": 87600 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, r *rig) {
				r.cfg.ParkAfter = dispatch.ParkPolicy{Age: 30 * time.Minute}
				r.cfg.Retry.MaxAttempts, r.cfg.Retry.MaxDelay = 1000, 5*time.Minute
				r.cfg.Retry.MinDelay = time.Minute
				r.cfg.Breaker.Failures = 1000
				r.add("a:1", "a:2")
				failed := time.Now().Add(off)
				r.deferred("vehicle/a", buffer.Retry{
					Attempts: 3, FirstAt: failed.Add(-20 * time.Minute), LastAt: failed, NotBefore: failed.Add(time.Minute),
					Failing: 20 * time.Minute, FirstError: "x", LastError: "x",
				})
				for range 100 {
					r.h.on("a:1", retry("y"))
				}
				r.start()
				defer r.stop()
				r.after(9*time.Minute + 30*time.Second)
				r.wantDead()
				r.after(2 * time.Minute)
				if got := r.h.sequence(); got[len(got)-1] != "a:2" {
					t.Errorf("the lane did not go on: %v", got)
				}
			})
		})
	}
}

// deferred has an earlier run defer the first event.
func (r *rig) deferred(lane string, with buffer.Retry) {
	r.t.Helper()
	c, err := r.store.Consumer(context.Background(), "rig")
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	leases, err := c.Lease(context.Background(), buffer.Room{Events: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := c.Settle(context.Background(), buffer.Outcome{
		Position: leases[0].Event.Position, Verb: buffer.Defer, Lane: lane, Retry: with,
	}); err != nil {
		r.t.Fatal(err)
	}
}
