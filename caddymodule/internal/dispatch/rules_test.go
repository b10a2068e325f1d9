package dispatch_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
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
		if s := r.d.Stats(); s.WaitingLanes != 1 || s.Retried != 1 || s.Delivered != 3 || !s.NextDue.Equal(r.begun.Add(time.Second)) || s.RetryError != "one" {
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
		if s := r.d.Stats(); s.WaitingLanes != 0 || s.InMemory != 0 || s.RetryError != "" {
			t.Errorf("stats at rest %+v", s)
		}
	})
}

func TestOrderNoneHoldsUpNothing(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
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
		r.h.on("b:1", reply{Result: dispatch.Result{Status: dispatch.Reject, Reason: "invalid_vin", Error: "no such car"}})
		r.add("a:1", "a:2", "b:1", "b:2")
		r.start()
		r.wantDeliveries("a:1#1", "b:1#1", "b:2#1")
		r.wantDead("b:1 rejected invalid_vin 1: no such car … no such car")
		r.after(10 * time.Second)
		r.wantDeliveries("a:1#2", "a:1#3", "a:2#1")
		r.wantDead("b:1 rejected invalid_vin 1: no such car … no such car", "a:1 exhausted  3: first … third")
		r.stop()
		for _, want := range []string{"handler=rig", "event_id=a:1", "attempt=3", "error=third", "level=WARN", "will not get it again"} {
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
	onEachStore(t, func(_ *testing.T, r *rig) {
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

func TestTimeoutIsAnAttempt(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
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

func TestResultWithoutAStatusIsARetry(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
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

// slowLookUp is a consumer whose look-ups end when they are let.

// failing is a consumer whose Settle fails while err is set.
