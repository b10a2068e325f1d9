package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// What When passes over is counted by kind until something is delivered; not what its kind of event may still come for.
func TestUnmatchedEventsAreCounted(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.When = func(e *buffer.Event) bool { return e.VehicleID == "wanted" }
		r.cfg.Awaits = func(e *buffer.Event) bool { return e.VehicleID == "awaited" }
		for i := range 1005 {
			r.add(fmt.Sprintf("a:%d", i))
		}
		r.add("awaited:1")
		r.start()
		defer r.stop()
		r.wantDeliveries()
		got := r.d.Stats().Unmatched
		if got.Events != 1000 || len(got.Kinds) != 1 || got.Kinds[0].Events != 1000 {
			t.Errorf("%+v", got)
		}
	})
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.When = func(e *buffer.Event) bool { return e.VehicleID == "wanted" }
		r.cfg.Awaits = func(e *buffer.Event) bool { return e.VehicleID == "awaited" }
		r.add("a:1", "awaited:1", "b:1")
		r.start()
		defer r.stop()
		r.wantDeliveries()
		before := r.d.Stats().Unmatched
		if before.Events != 2 {
			t.Errorf("%+v", before)
		}
		r.add("wanted:1")
		r.after(time.Second)
		r.wantDeliveries("wanted:1#1")
		r.add("a:2")
		r.after(time.Second)
		r.wantDeliveries()
		if diff := cmp.Diff(before, r.d.Stats().Unmatched); diff != "" {
			t.Error(diff)
		}
	})
}
