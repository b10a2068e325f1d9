package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// Events that failed when none waited for another wait for each other once the order
// says so.
func TestOrderVehicleTakesOverFromOrderNone(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Order = dispatch.OrderNone
		r.h.on("a:1", retryAfter(time.Minute))
		r.h.on("a:2", retryAfter(time.Minute))
		r.h.on("b:1", retryAfter(time.Minute))
		r.add("a:1", "a:2", "b:1")
		r.start()
		r.wantDeliveries("a:1#1", "a:2#1", "b:1#1")
		r.stop()
		r.cfg.Order = dispatch.OrderVehicle
		first := make(chan struct{})
		r.h.on("a:1", reply{Result: dispatch.Result{Status: dispatch.Done}, wait: first})
		r.start()
		defer r.stop()
		r.add("a:3")
		r.after(62 * time.Second)
		r.wantDeliveries("a:1#2", "b:1#2")
		close(first)
		r.wantDeliveries("a:2#2", "a:3#1")
		if got := r.h.sequence(); got[len(got)-1] != "a:3" {
			t.Errorf("the last one was not the newest: %v", got)
		}
	})
}

// slowLook holds the next look-up of deferred events until it is let go.
type slowLook struct {
	buffer.Consumer
	next chan struct{} // nil: no look-up is held
}

func (s *slowLook) LeaseDeferred(ctx context.Context, lane string, room buffer.Room) ([]buffer.Lease, error) {
	if held := s.next; held != nil {
		s.next = nil
		<-held
	}
	return s.Consumer.LeaseDeferred(ctx, lane, room)
}

// What is reopened while the event of a long call is leased back stands before it on
// disk, and must not keep its answer from being recorded.
func TestReopenedWhileALongCallLands(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		look := &slowLook{}
		r.wrap = func(c buffer.Consumer) buffer.Consumer { look.Consumer = c; return look }
		r.cfg.Timeout = time.Hour
		r.add("a:1")
		r.start()
		defer r.stop()
		r.wantDeliveries("a:1#1")
		answered, seen := make(chan struct{}), make(chan struct{})
		r.h.on("a:2", reply{Result: dispatch.Result{Status: dispatch.Done}, wait: answered})
		look.next = seen
		r.add("a:2")
		r.wantDeliveries("a:2#1")
		r.after(4 * time.Second)
		r.reopen("a:1")
		close(seen)
		synctest.Wait()
		close(answered)
		r.after(time.Minute)
		r.wantDeliveries("a:1#1")
	})
}
