package dispatch_test

import (
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
)

// What a handler gets in a replay makes nothing stale that comes by itself: it was asked
// for again by an operator, perhaps for another reason than to have the newest reading.
func TestReplayTellsFreshnessNothing(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		r.cfg.Stale = freshness.Drop
		r.h.on("a:1", reply{Result: dispatch.Result{Status: dispatch.Reject}})
		r.start()
		r.addState("a:1", "soc 500")
		r.wantDeliveries("a:1#1")
		r.reopen("a:1")
		r.wantDeliveries("a:1#1")
		r.addState("a:2", "soc 400")
		r.wantDeliveries("a:2#1")
		r.wantStale("a:2", "")
		r.stop()
		r.start()
		defer r.stop()
		r.addState("a:3", "soc 450 odo 1")
		r.wantStale("a:3", "")
	})
}
