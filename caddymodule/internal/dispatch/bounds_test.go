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
		if s.WaitingLanes != 3001 || s.InMemory > 256 || s.InFlight != 1 { // the hot lane has spilled
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
			f.err.Store(&buffer.ErrHalted)
			return f
		}
		r.add("a:1", "b:1")
		r.start()
		r.after(time.Minute)
		r.h.take()
		r.add("a:2", "c:1")
		r.after(time.Minute)
		r.wantDeliveries()
		if s := r.d.Stats(); s.Unsettled == 0 || !strings.Contains(s.StoreError, "halted") {
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
