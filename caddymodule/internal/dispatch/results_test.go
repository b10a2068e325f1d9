package dispatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// Each event of a batch gets its own result, and none of its neighbours'.
func TestBatchGetsItsOwnResults(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		r.cfg.Batch = dispatch.BatchPolicy{MaxEvents: 4, MaxWait: 100 * time.Millisecond}
		r.h.on("b:1", retry("later"))
		r.h.on("d:1", reply{Result: dispatch.Result{Status: dispatch.Reject, Reason: "no", Error: "never"}})
		r.add("a:1", "b:1", "c:1", "d:1")
		r.start()
		r.wantDeliveries("a:1#1", "b:1#1", "c:1#1", "d:1#1")
		r.after(2 * time.Second)
		r.wantDeliveries("b:1#2")
		r.wantDead("d:1 rejected no 1: never … never")
		r.stop()
		r.start() // what is done is so durably
		defer r.stop()
		r.after(time.Minute)
		r.wantDeliveries()
	})
}

// taciturn is a handler that says nothing of the last events of a batch.
type taciturn struct {
	*script
	says int
}

func (h *taciturn) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	results, err := h.script.Handle(ctx, batch)
	return results[:min(h.says, len(results))], err
}

// Events of which a handler says nothing are tried again, and count an attempt.
func TestMissingResultsAreARetry(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Batch = dispatch.BatchPolicy{MaxEvents: 3, MaxWait: 100 * time.Millisecond}
		r.cfg.Retry.MaxAttempts = 2
		r.add("a:1", "b:1")
		c, err := r.store.Consumer(context.Background(), "rig")
		if err != nil {
			t.Fatal(err)
		}
		h := &taciturn{script: r.h, says: 1}
		r.consumer, r.d = c, dispatch.Start(r.cfg, c, h)
		defer r.stop()
		r.after(time.Second / 2)
		r.wantDeliveries("a:1#1", "b:1#1")
		r.after(2 * time.Second)
		r.wantDeliveries("b:1#2")
		h.says = 0
		r.add("c:1")
		r.after(3 * time.Second)
		r.wantDeliveries("c:1#1", "c:1#2")
		r.wantDead("c:1 exhausted  2: the plugin gave 0 results for 1 events … the plugin gave 0 results for 1 events")
	})
}
