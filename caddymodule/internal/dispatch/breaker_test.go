package dispatch_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

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
			b.Why != "the handler is unavailable: database is down" || b.Reported != "database is down" {
			t.Errorf("breaker %+v", b)
		}
		r.after(9 * time.Second)
		r.wantDeliveries()
		r.after(time.Second) // the probe, with one event and the same attempt
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
		if b := r.d.Stats().Breaker; b.State != dispatch.BreakerOpen || b.Why != "3 failures in a row, the last: last straw" || b.Reported != "" {
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
