package dispatch_test

import (
	"context"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
)

// What one application brought of a vehicle makes nothing of another's stale: each has
// its own signals and its own permissions.
func TestFreshnessIsOfOneSource(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Stale = freshness.Drop
		r.start()
		for _, e := range []buffer.Event{
			{Source: "staging", ID: "s:1", Body: stateOf("soc 100")},
			{Source: "production", ID: "p:1", Body: stateOf("soc 90")},
			{Source: "production", ID: "p:2", Body: stateOf("soc 80 odo 80")},
		} {
			e.VehicleID, e.Type = "car", "VEHICLE_STATE"
			if _, err := r.store.Append(context.Background(), &e); err != nil {
				t.Fatal(err)
			}
		}
		r.wantStale("p:1", "")
		r.wantStale("p:2", "soc")
		r.stop()
	})
}

// Readings that were sent as a test are invented; they say nothing of real ones.
func TestFreshnessIsOfOneMode(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Stale = freshness.Drop
		r.start()
		for _, e := range []buffer.Event{
			{ID: "t:1", Mode: "TEST", Body: stateOf("soc 100")},
			{ID: "l:1", Mode: "LIVE", Body: stateOf("soc 90")},
			{ID: "s:1", Mode: "SIMULATED", Body: stateOf("soc 70")},
			{ID: "t:2", Mode: "test", Body: stateOf("soc 95 odo 1")},
			{ID: "n:1", Mode: "", Body: stateOf("soc 85 odo 85")}, // as older live events
			{ID: "l:2", Mode: "live", Body: stateOf("soc 95 odo 80")},
		} {
			e.VehicleID, e.Type = "car", "VEHICLE_STATE"
			if _, err := r.store.Append(context.Background(), &e); err != nil {
				t.Fatal(err)
			}
		}
		for id, stale := range map[string]string{"t:1": "", "l:1": "", "s:1": "", "t:2": "soc", "n:1": "soc", "l:2": "odo"} {
			r.wantStale(id, stale)
		}
		r.stop()
	})
}
