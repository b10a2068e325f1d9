package dispatch_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// poison answers the events around it well, and ends the process with every call that
// carries the poison event.
func TestPoisonEventIsIsolated(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		var log bytes.Buffer
		r.cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r.cfg.Batch = dispatch.BatchPolicy{MaxEvents: 3, MaxWait: time.Millisecond}
		r.cfg.Concurrency = 1
		for range 3 {
			r.h.on("c:1", crashes("signal: killed; stderr: secret-vin panicked"))
		}
		r.add("a:1", "b:1", "c:1", "a:2", "c:2", "d:1")
		r.start()
		r.after(time.Minute)
		sizes := r.h.sizes["c:1"]
		if len(sizes) != 3 || sizes[0] == 1 || sizes[2] != 1 {
			t.Errorf("the poison event came in batches of %v", sizes)
		}
		for id, d := range r.h.last {
			if d.Attempt != 1 {
				t.Errorf("%s came as attempt %d: crashes cost none", id, d.Attempt)
			}
		}
		r.wantDead("c:1 poison  0:  … signal: killed; stderr: secret-vin panicked")
		if s := r.d.Stats(); s.Poisoned != 1 || s.Dead != 1 || s.Retried != 0 || s.Suspects != 0 || s.Delivered != 5 {
			t.Errorf("stats %+v", s)
		}
		r.stop()
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log has what the process wrote:\n%s", &log)
		}
	})
}

func TestCrashesAreCountedAcrossRestarts(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		r.h.on("a:1", crashes("one"), crashes("two"), crashes("three"))
		r.add("a:1", "a:2")
		for range 3 {
			up := r.h.down()
			r.start()
			up()
			time.AfterFunc(time.Millisecond, func() { r.h.down() }) // it stays down after the crash
			r.after(time.Second)
			r.stop()
		}
		r.wantDead("a:1 poison  0:  … three")
	})
}

func TestSuspectIsAlone(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.h.on("a:1", crashes("one"), crashes("two"))
		r.h.slow = func(id string) time.Duration {
			if id == "a:1" && r.h.together > 0 && len(r.h.replies["a:1"]) == 0 {
				t.Errorf("the suspect is sent with %d others under way", r.h.together)
			}
			if id == "a:1" {
				return 5 * time.Second
			}
			return time.Second
		}
		r.add("a:1")
		r.start()
		for i := range 30 {
			r.add(fmt.Sprintf("b:%d", i), fmt.Sprintf("c:%d", i), fmt.Sprintf("d:%d", i))
			r.after(500 * time.Millisecond)
		}
		r.after(time.Minute)
		if s := r.d.Stats(); s.Delivered != 91 || s.Dead != 0 {
			t.Errorf("stats %+v", s)
		}
		r.stop()
	})
}

func TestParkAfter(t *testing.T) {
	for _, tt := range []struct {
		name string
		park dispatch.ParkPolicy
		want string
	}{
		{"attempts", dispatch.ParkPolicy{Attempts: 2}, "a:1 exhausted  2: x … x"},
		{"age", dispatch.ParkPolicy{Age: 2500 * time.Millisecond}, "a:1 expired  4: x … x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, r *rig) {
				r.cfg.Retry.MaxAttempts = 100
				r.cfg.ParkAfter = tt.park
				for range 10 {
					r.h.on("a:1", retry("x"))
				}
				r.add("a:1", "a:2")
				r.start()
				r.after(10 * time.Second)
				r.wantDead(tt.want)
				if got := r.h.sequence(); got[len(got)-1] != "a:2" {
					t.Errorf("the lane did not go on: %v", got)
				}
				r.stop()
			})
		})
	}
}

// An outage alone parks nothing: the event gets the attempt after it.
func TestOutageParksNothing(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		r.cfg.ParkAfter = dispatch.ParkPolicy{Age: time.Minute}
		r.cfg.Breaker.Cooldown = time.Hour
		r.h.on("a:1", retry("x"), unavailable(0), unavailable(0))
		r.add("a:1")
		r.start()
		defer r.stop()
		r.after(5 * time.Hour)
		r.wantDeliveries("a:1#1", "a:1#2", "a:1#2", "a:1#2")
		r.wantDead()
	})
}
