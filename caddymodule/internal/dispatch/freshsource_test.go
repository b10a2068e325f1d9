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
