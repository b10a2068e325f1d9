package dispatch_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestResumeTriesAtOnce(t *testing.T) {
	hour := dispatch.RetryPolicy{MinDelay: time.Hour, MaxDelay: time.Hour, MaxAttempts: 9}
	for _, tt := range []struct {
		name  string
		story func(t *testing.T, r *rig)
	}{
		{"what waits for its next attempt", func(t *testing.T, r *rig) {
			r.h.on("a:1", retry("x"), retry("x"))
			r.h.on("b:1", retryAfter(5*time.Hour))
			r.add("a:1", "a:2", "b:1", "b:2", "c:1")
			r.start()
			r.wantDeliveries("a:1#1", "b:1#1", "c:1#1")
			r.after(time.Minute)
			r.h.begin()
			r.d.Resume()
			r.wantDeliveries("a:1#2", "b:1#2", "b:2#1")
			if next := r.d.Stats().NextDue; !next.Equal(time.Now().Add(time.Hour)) {
				t.Errorf("the event that failed again is due in %s, want one hour", time.Until(next))
			}
			// What fails after it waits as ever, until the next.
			r.after(59 * time.Minute)
			r.wantDeliveries()
			r.d.Resume()
			r.wantDeliveries("a:1#3", "a:2#1")
			if got := r.h.sequence(); slices.Index(got, "a:2") != len(got)-1 || slices.Index(got, "b:1") > slices.Index(got, "b:2") {
				t.Errorf("not in order: %q", got)
			}
		}},
		{"an open breaker closes", func(t *testing.T, r *rig) {
			r.h.on("a:1", unavailable(5*time.Hour))
			r.add("a:1")
			r.start()
			r.wantDeliveries("a:1#1")
			r.add("a:2", "b:1")
			r.after(time.Minute)
			r.wantDeliveries()
			r.d.Resume()
			if b := r.d.Stats().Breaker; b.State != dispatch.BreakerClosed || !b.Until.IsZero() || b.Why != "" {
				t.Errorf("after it has returned the breaker is %+v", b)
			}
			r.wantDeliveries("a:1#1", "a:2#1", "b:1#1")
		}},
		{"a half-open breaker closes, and its probe decides nothing", func(t *testing.T, r *rig) {
			release := make(chan struct{})
			r.h.on("a:1", unavailable(0), reply{Result: dispatch.Result{Status: dispatch.Retry}, wait: release})
			r.add("a:1", "b:1")
			r.h.on("b:1", unavailable(0), reply{Result: dispatch.Result{Status: dispatch.Retry}, wait: release})
			r.start()
			r.after(r.cfg.Breaker.Cooldown)
			r.h.take()
			r.add("c:1")
			r.d.Resume()
			r.after(0)
			close(release)
			r.after(time.Second)
			if got := r.h.take(); !slices.Contains(got, "c:1#1") {
				t.Errorf("deliveries %q, want c:1 among them", got)
			}
			if b := r.d.Stats().Breaker; b.State != dispatch.BreakerClosed {
				t.Errorf("breaker %+v", b)
			}
		}},
		{"a breaker opens again when nothing was fixed", func(t *testing.T, r *rig) {
			r.h.on("a:1", unavailable(time.Hour), unavailable(time.Hour))
			r.add("a:1")
			r.start()
			r.wantDeliveries("a:1#1")
			r.d.Resume()
			r.wantDeliveries("a:1#1")
			if b := r.d.Stats().Breaker; b.State != dispatch.BreakerOpen {
				t.Errorf("breaker %+v", b)
			}
		}},
		{"a handler that keeps going down is waited for no longer", func(t *testing.T, r *rig) {
			for range 8 {
				r.h.on("a:1", reply{err: dispatch.ErrDown})
			}
			r.add("a:1")
			r.start()
			r.after(20 * time.Second)
			before := len(r.h.take())
			r.d.Resume()
			r.after(0)
			if got := r.h.take(); len(got) == 0 {
				t.Errorf("no delivery at once, %d before", before)
			}
		}},
		{"what was deferred before a start", func(_ *testing.T, r *rig) {
			r.h.on("a:1", retry("x"))
			r.add("a:1")
			r.start()
			r.wantDeliveries("a:1#1")
			r.stop()
			r.after(time.Minute)
			r.start()
			r.after(time.Minute)
			r.wantDeliveries()
			r.d.Resume()
			r.wantDeliveries("a:1#2")
		}},
		{"before the deferred lanes are known", func(_ *testing.T, r *rig) {
			r.h.on("a:1", retry("x"))
			r.add("a:1")
			r.start()
			r.wantDeliveries("a:1#1")
			r.stop()
			r.after(time.Minute)
			r.wrap = func(c buffer.Consumer) buffer.Consumer { return &slowLanes{Consumer: c} }
			r.start()
			r.d.Resume()
			r.after(2 * time.Second)
			r.wantDeliveries("a:1#2")
		}},
		{"one behind a reopened event", func(_ *testing.T, r *rig) {
			r.h.on("a:2", retry("x"))
			r.add("a:1", "a:2", "a:3")
			r.start()
			r.wantDeliveries("a:1#1", "a:2#1")
			r.after(time.Minute)
			release := make(chan struct{})
			r.h.on("a:1", reply{Result: dispatch.Result{Status: dispatch.Done}, wait: release})
			r.reopen("a:1")
			r.wantDeliveries("a:1#1")
			r.d.Resume() // while the event before it is with the handler
			close(release)
			r.wantDeliveries("a:2#2", "a:3#1")
		}},
		{"not what fails after it", func(_ *testing.T, r *rig) {
			r.start()
			r.d.Resume()
			r.after(time.Minute)
			r.h.on("a:2", retry("x"))
			r.add("a:1", "a:2")
			r.wantDeliveries("a:1#1", "a:2#1")
			r.reopen("a:1") // so that the other is looked up
			r.wantDeliveries("a:1#1")
			r.after(58 * time.Minute)
			r.wantDeliveries()
			r.after(2 * time.Minute)
			r.wantDeliveries("a:2#2")
		}},
		{"those of no order", func(_ *testing.T, r *rig) {
			r.cfg.Order = dispatch.OrderNone
			r.h.on("a:1", retry("x"))
			r.add("a:1", "a:2")
			r.start()
			r.wantDeliveries("a:1#1", "a:2#1")
			r.after(time.Minute)
			r.d.Resume()
			r.wantDeliveries("a:1#2")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, r *rig) {
				r.cfg.Retry = hour
				tt.story(t, r)
				r.stop()
			})
		})
	}
}

// slowLanes takes a second to list what is deferred.
type slowLanes struct{ buffer.Consumer }

func (s *slowLanes) Lanes(ctx context.Context) iter.Seq2[buffer.Lane, error] {
	pass(time.Second)
	return s.Consumer.Lanes(ctx)
}
