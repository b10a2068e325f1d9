package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestPauseAndResume(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Paused = true
		r.add("a:1", "b:1")
		r.start()
		r.after(time.Hour)
		r.wantDeliveries()
		if s := r.d.Stats(); !s.Paused || s.InMemory != 2 {
			t.Errorf("stats %+v", s)
		}
		r.h.on("a:1", retry("x"))
		r.d.Resume()
		r.wantDeliveries("a:1#1", "b:1#1")
		r.d.Pause()
		r.add("c:1")
		r.after(time.Hour)
		r.wantDeliveries()
		r.d.Resume()
		r.wantDeliveries("a:1#2", "c:1#1")
		r.stop()
		r.d.Pause() // does nothing, and returns
	})
}

func TestDrain(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.h.slow = func(string) time.Duration { return 3 * time.Second }
		r.add("a:1", "a:2")
		r.start()
		r.after(time.Second)
		short, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := r.d.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain with too little time: %v", err)
		}
		begun := time.Now()
		if err := r.d.Drain(context.Background()); err != nil || time.Since(begun) != time.Second {
			t.Errorf("drain after %s: %v", time.Since(begun), err)
		}
		if s := r.d.Stats(); !s.Paused || s.InFlight != 0 || s.Unsettled != 0 || s.Delivered != 1 {
			t.Errorf("stats %+v", s)
		}
		r.wantDeliveries("a:1#1")
		r.d.Resume()
		synctest.Wait()
		drained := make(chan error)
		go func() { drained <- r.d.Drain(context.Background()) }()
		synctest.Wait()
		r.d.Resume()
		if err := <-drained; !errors.Is(err, dispatch.ErrResumed) {
			t.Errorf("drain that was resumed: %v", err)
		}
		r.stop()
		if err := r.d.Drain(context.Background()); !errors.Is(err, dispatch.ErrStopped) {
			t.Errorf("drain after stop: %v", err)
		}
	})
}
