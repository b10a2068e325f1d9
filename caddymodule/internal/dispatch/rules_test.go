package dispatch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestFailingEventHoldsUpItsOwnLaneOnly(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.h.on("a:1", retry("one"), retry("two"))
		r.add("a:1", "a:2", "b:1", "b:2", "a:3")
		r.start()
		defer r.stop()
		r.wantDeliveries("a:1#1", "b:1#1", "b:2#1")
		r.add("a:4", "b:3")
		r.wantDeliveries("b:3#1")
		if s := r.d.Stats(); s.WaitingLanes != 1 || s.Retried != 1 || s.Delivered != 3 || !s.NextDue.Equal(r.begun.Add(time.Second)) {
			t.Errorf("stats %+v", s)
		}
		r.after(999 * time.Millisecond)
		r.wantDeliveries()
		r.after(2 * time.Millisecond)
		r.wantDeliveries("a:1#2")
		r.after(2 * time.Second)
		r.wantDeliveries("a:1#3", "a:2#1", "a:3#1", "a:4#1")
		r.add("a:5")
		r.wantDeliveries("a:5#1")
		if s := r.d.Stats(); s.WaitingLanes != 0 || s.InMemory != 0 {
			t.Errorf("stats at rest %+v", s)
		}
	})
}

func TestOrderNoneHoldsUpNothing(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Order = dispatch.OrderNone
		r.h.on("a:1", retry("one"))
		r.h.on("a:2", retryAfter(5*time.Second))
		r.add("a:1", "a:2", "a:3")
		r.start()
		r.wantDeliveries("a:1#1", "a:2#1", "a:3#1")
		r.after(1100 * time.Millisecond)
		r.wantDeliveries("a:1#2")
		r.stop()
		r.start()
		defer r.stop()
		r.after(3 * time.Second)
		r.wantDeliveries()
		r.after(time.Second)
		r.wantDeliveries("a:2#2")
	})
}

func TestDeadLetters(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		var log bytes.Buffer
		r.cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r.cfg.Retry.MaxAttempts = 3
		r.h.on("a:1", retry("first"), retry("second"), retry("third"))
		r.h.on("b:1", reply{Result: dispatch.Result{Status: dispatch.Reject, Code: "invalid_vin", Error: "no such car"}})
		r.add("a:1", "a:2", "b:1", "b:2")
		r.start()
		r.wantDeliveries("a:1#1", "b:1#1", "b:2#1")
		r.wantDead("b:1 rejected invalid_vin 1: no such car … no such car")
		r.after(10 * time.Second)
		r.wantDeliveries("a:1#2", "a:1#3", "a:2#1")
		r.wantDead("b:1 rejected invalid_vin 1: no such car … no such car", "a:1 exhausted  3: first … third")
		r.stop()
		for _, want := range []string{"handler=rig", "event=a:1", "attempt=3", "error=third", "level=WARN", "replay"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("log has no %q:\n%s", want, &log)
			}
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("log has personal data:\n%s", &log)
		}
	})
}

func TestAfterIsAMinimum(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.h.on("a:1", retryAfter(time.Minute))
		r.h.on("b:1", retryAfter(time.Millisecond))
		r.h.on("c:1", retryAfter(1000*time.Hour))
		r.add("a:1", "b:1", "c:1")
		r.start()
		defer r.stop()
		r.after(10 * time.Second)
		r.wantDeliveries("a:1#1", "b:1#1", "b:1#2", "c:1#1")
		r.after(49 * time.Second)
		r.wantDeliveries()
		r.after(2 * time.Second)
		r.wantDeliveries("a:1#2")
		r.after(24*time.Hour - 2*time.Minute)
		r.wantDeliveries()
		r.after(2 * time.Minute)
		r.wantDeliveries("c:1#2")
	})
}

func TestUnavailableOpensTheBreaker(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Breaker.Cooldown = 10 * time.Second
		r.h.on("a:1", unavailable(0), unavailable(time.Minute))
		r.add("a:1")
		r.start()
		defer r.stop()
		r.wantDeliveries("a:1#1")
		r.add("a:2", "b:1", "c:1", "d:1")
		b := r.d.Stats().Breaker
		if b.State != dispatch.BreakerOpen || !b.Since.Equal(r.begun) || !b.Until.Equal(r.begun.Add(10*time.Second)) ||
			!strings.Contains(b.Why, "database is down") {
			t.Errorf("breaker %+v", b)
		}
		r.after(9 * time.Second)
		r.wantDeliveries()
		r.after(time.Second) // the probe, with one event and the attempt of before
		r.wantDeliveries("a:1#1")
		r.after(59 * time.Second)
		r.wantDeliveries()
		// The probe that succeeds lets all others go.
		r.after(time.Second)
		r.wantDeliveries("a:1#1", "a:2#1", "b:1#1", "c:1#1", "d:1#1")
		if s := r.d.Stats(); s.Breaker.State != dispatch.BreakerClosed || s.Breaker.Why != "" || s.Retried != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestProbeIsOneEvent(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Batch.MaxEvents = 10
		r.cfg.Breaker.Cooldown = 10 * time.Second
		r.h.on("a:1", unavailable(0))
		r.add("a:1")
		r.start()
		defer r.stop()
		r.wantDeliveries("a:1#1")
		r.add("b:1", "c:1", "d:1")
		release := make(chan struct{})
		probe := reply{Result: dispatch.Result{Status: dispatch.Done}, wait: release}
		for _, id := range []string{"a:1", "b:1", "c:1", "d:1"} {
			r.h.on(id, probe)
		}
		r.after(12 * time.Second)
		if got := r.h.take(); len(got) != 1 {
			t.Errorf("while half-open: deliveries %q, want one", got)
		}
		if s := r.d.Stats(); s.Breaker.State != dispatch.BreakerHalfOpen || s.InFlight != 1 {
			t.Errorf("stats %+v", s)
		}
		close(release)
		synctest.Wait()
		if got := r.h.take(); len(got) != 3 {
			t.Errorf("after the probe: deliveries %q, want three", got)
		}
	})
}

func TestFailuresInARowOpenTheBreaker(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Concurrency = 1
		r.cfg.Breaker = dispatch.BreakerPolicy{Failures: 3, Cooldown: 30 * time.Second}
		r.h.on("a:1", retry("x"))
		r.h.on("b:1", retry("x"))
		r.h.on("d:1", retry("x"))
		r.h.on("e:1", retry("x"))
		r.h.on("f:1", retry("last straw"))
		r.add("a:1", "b:1", "c:1", "d:1", "e:1", "f:1", "g:1")
		r.start()
		defer r.stop()
		// c:1 is done, so only the three after it count.
		r.wantDeliveries("a:1#1", "b:1#1", "c:1#1", "d:1#1", "e:1#1", "f:1#1")
		if b := r.d.Stats().Breaker; b.State != dispatch.BreakerOpen || b.Why != "3 failures in a row, the last: last straw" {
			t.Errorf("breaker %+v", b)
		}
		r.h.on("g:1", retry("still broken"))
		r.after(29 * time.Second)
		r.wantDeliveries()
		r.after(2 * time.Second)
		r.wantDeliveries("g:1#1") // the probe fails
		if b := r.d.Stats().Breaker; b.State != dispatch.BreakerOpen || !strings.Contains(b.Why, "still broken") || !b.Since.Equal(r.begun) {
			t.Errorf("breaker %+v", b)
		}
		r.after(28 * time.Second)
		r.wantDeliveries()
		r.after(10 * time.Second)
		r.wantDeliveries("a:1#2", "b:1#2", "d:1#2", "e:1#2", "f:1#2", "g:1#2")
	})
}

func TestDownHandlerCostsNoAttempt(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		up := r.h.down()
		r.add("a:1", "a:2", "b:1")
		r.start()
		defer r.stop()
		r.after(time.Hour)
		r.wantDeliveries()
		if s := r.d.Stats(); s.Up || s.InMemory != 0 {
			t.Errorf("before it is up: %+v", s)
		}
		release := make(chan struct{})
		crash := reply{wait: release, err: fmt.Errorf("process ended: %w", dispatch.ErrDown)}
		r.h.on("a:1", crash)
		r.h.on("b:1", crash)
		up()
		r.wantDeliveries("a:1#1", "b:1#1")
		up = r.h.down()
		close(release)
		r.after(time.Hour)
		r.wantDeliveries()
		up()
		r.wantDeliveries("a:1#1", "a:2#1", "b:1#1")
		if s := r.d.Stats(); s.Downs != 1 || s.Retried != 0 || s.Breaker.State != dispatch.BreakerClosed {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestHandlerThatGoesDownAgainAndAgainIsNotHammered(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		crash := reply{err: dispatch.ErrDown}
		for range 1000 {
			r.h.on("a:1", crash)
		}
		r.add("a:1")
		r.start()
		defer r.stop()
		r.after(time.Minute)
		if n := len(r.h.take()); n < 5 || n > 12 {
			t.Errorf("%d deliveries in a minute", n)
		}
	})
}

func TestTimeoutIsAnAttempt(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Retry.MaxAttempts = 2
		r.h.on("a:1", reply{hang: true}, reply{err: errors.New("transport closed")})
		r.add("a:1", "a:2")
		r.start()
		defer r.stop()
		r.after(9 * time.Second)
		r.wantDeliveries("a:1#1")
		r.after(3 * time.Second)
		r.wantDeliveries("a:1#2", "a:2#1")
		r.wantDead("a:1 exhausted  2: no answer within 10s … transport closed")
	})
}

func TestTooFewResultsAreARetry(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.h.on("a:1", reply{Result: dispatch.Result{}})
		r.add("a:1")
		r.start()
		defer r.stop()
		r.after(2 * time.Second)
		r.wantDeliveries("a:1#1", "a:1#2")
	})
}

func TestUnwantedEventsAreSkipped(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.When = func(e *buffer.Event) bool { return e.VehicleID != "b" }
		r.h.on("a:1", retry("x"))
		r.add("a:1", "b:1", "other:1", "a:2")
		r.start()
		r.wantDeliveries("a:1#1")
		if s := r.d.Stats(); s.Skipped != 2 {
			t.Errorf("stats %+v", s)
		}
		r.stop()
		// A new definition does not want what was deferred either.
		r.cfg.When = func(e *buffer.Event) bool { return e.ID != "a:1" }
		r.start()
		defer r.stop()
		r.after(5 * time.Second)
		r.wantDeliveries("a:2#1")
		if s := r.consumer.Stats(); s.Deferred != 0 || s.Leased != 0 || s.Pending != 0 {
			t.Errorf("consumer %+v", s)
		}
	})
}

func TestRestartKeepsDueTimesAttemptsAndOrder(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
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

func TestBatchHoldsOneEventOfALane(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Batch = dispatch.BatchPolicy{MaxEvents: 4, MaxWait: 100 * time.Millisecond}
		r.start()
		defer r.stop()
		r.add("a:1", "a:2", "b:1")
		r.after(99 * time.Millisecond)
		r.wantDeliveries() // not full, waits for more
		r.after(2 * time.Millisecond)
		r.wantDeliveries("a:1#1", "b:1#1")
		r.after(101 * time.Millisecond)
		r.wantDeliveries("a:2#1")
		r.add("c:1", "d:1", "e:1", "f:1")
		r.wantDeliveries("c:1#1", "d:1#1", "e:1#1", "f:1#1") // full, goes at once
		if want := []int{2, 1, 4}; !slices.Equal(r.h.batches, want) {
			t.Errorf("batches %v, want %v", r.h.batches, want)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Concurrency = 2
		r.cfg.Breaker.Failures = 1 << 30
		for i := range 3000 {
			id := fmt.Sprintf("v%d:1", i)
			r.add(id)
			r.h.on(id, retry("x"))
		}
		for i := range 600 {
			r.add(fmt.Sprintf("hot:%d", i))
		}
		release := make(chan struct{})
		r.h.on("hot:0", reply{Result: dispatch.Result{Status: dispatch.Done}, wait: release})
		r.start()
		r.after(500 * time.Millisecond)
		s := r.d.Stats()
		if s.WaitingLanes != 3000 || s.InMemory > 256 || s.InMemory < 100 || s.InFlight != 1 {
			t.Errorf("stats %+v", s)
		}
		close(release)
		r.after(time.Minute)
		if s := r.d.Stats(); s.WaitingLanes != 0 || s.InMemory != 0 || s.Delivered != 3600 {
			t.Errorf("stats at the end %+v", s)
		}
		r.stop()
	})
}

func TestLongLaneThatWaitsHoldsUpNothing(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.h.on("a:0", retryAfter(time.Hour))
		want := []string{"a:0#1"}
		for i := range 1000 {
			r.add(fmt.Sprintf("a:%d", i))
			if i > 0 {
				want = append(want, fmt.Sprintf("a:%d#1", i))
			}
		}
		r.add("b:1")
		r.start()
		defer r.stop()
		r.wantDeliveries("a:0#1", "b:1#1")
		if s := r.d.Stats(); s.InMemory != 0 || r.consumer.Stats().Deferred != 1000 {
			t.Errorf("stats %+v, consumer %+v", s, r.consumer.Stats())
		}
		r.after(2 * time.Hour)
		want[0] = "a:0#2"
		slices.Sort(want)
		r.wantDeliveries(want...)
	})
}

func TestDeferredEventIsNotDeliveredBeforeItIsDue(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.add("a:1", "a:2", "a:3")
		c, err := r.store.Consumer(context.Background(), "rig")
		if err != nil {
			t.Fatal(err)
		}
		leases, err := c.Lease(context.Background(), 2)
		if err != nil || len(leases) != 2 {
			t.Fatalf("leased %d: %v", len(leases), err)
		}
		if err := c.Settle(context.Background(),
			buffer.Outcome{Position: leases[0].Event.Position, Verb: buffer.Defer, Lane: "vehicle/a"},
			buffer.Outcome{Position: leases[1].Event.Position, Verb: buffer.Defer, Lane: "vehicle/a",
				Retry: buffer.Retry{Attempts: 1, NotBefore: time.Now().Add(time.Hour)}},
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

// slowLookUp is a consumer whose look-ups end when they are let.
type slowLookUp struct {
	buffer.Consumer
	let chan struct{}
}

func (s *slowLookUp) LeaseDeferred(ctx context.Context, lane string, n int) ([]buffer.Lease, error) {
	leases, err := s.Consumer.LeaseDeferred(ctx, lane, n)
	<-s.let
	return leases, err
}

func TestEventThatArrivesDuringALookUpIsNotForgotten(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
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

// failing is a consumer whose Settle fails while err is set.
type failing struct {
	buffer.Consumer
	err atomic.Pointer[error]
}

func (f *failing) Settle(ctx context.Context, outcomes ...buffer.Outcome) error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return f.Consumer.Settle(ctx, outcomes...)
}

func TestStoreThatFailsStopsDeliveries(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		var log bytes.Buffer
		r.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		var f *failing
		r.wrap = func(c buffer.Consumer) buffer.Consumer {
			f = &failing{Consumer: c}
			f.err.Store(&buffer.ErrSealed)
			return f
		}
		r.add("a:1", "b:1")
		r.start()
		r.after(time.Minute)
		r.h.take()
		r.add("a:2", "c:1")
		r.after(time.Minute)
		r.wantDeliveries()
		if s := r.d.Stats(); s.Unsettled == 0 || !strings.Contains(s.StoreError, "sealed") {
			t.Errorf("stats %+v", s)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors in the log, want one:\n%s", n, &log)
		}
		f.err.Store(nil)
		r.after(time.Minute)
		r.wantDeliveries("a:2#1", "c:1#1")

		// Stop does not wait for a store that is gone.
		f.err.Store(&buffer.ErrClosed)
		r.add("d:1")
		synctest.Wait()
		begun := time.Now()
		err := r.d.Stop(context.Background())
		if !errors.Is(err, buffer.ErrClosed) || time.Since(begun) > time.Second {
			t.Errorf("stop after %s: %v", time.Since(begun), err)
		}
		f.Close()
	})
}

func TestStopWaitsForWhatIsInFlight(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		release := make(chan struct{})
		r.h.on("a:1", reply{Result: dispatch.Result{Status: dispatch.Done}, wait: release})
		r.h.on("b:1", reply{hang: true})
		r.add("a:1", "a:2", "b:1")
		r.start()
		r.wantDeliveries("a:1#1", "b:1#1")
		time.AfterFunc(time.Second, func() { close(release) })
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		begun := time.Now()
		if err := r.d.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		if took := time.Since(begun); took < 4*time.Second || took > 4250*time.Millisecond {
			t.Errorf("stop took %s", took)
		}
		r.consumer.Close()
		r.wantDeliveries()
		r.start()
		defer r.stop()
		r.wantDeliveries("a:2#1", "b:1#1") // a:1 is done, b:1 was cut off and not counted
	})
}
