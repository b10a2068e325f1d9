package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// outage is a handler whose world is down until a time.
type outage struct {
	*script
	until time.Time
	tries int
}

func (o *outage) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	if time.Now().Before(o.until) {
		o.tries++
		return slices.Repeat([]dispatch.Result{unavailable(0).Result}, len(batch)), nil
	}
	return o.script.Handle(ctx, batch)
}

// An outage of many hours costs no event an attempt, and none becomes a dead letter. At its end all come, in order.
func TestOutageOfManyHours(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		const hours, lanes, events = 10, 3, 4
		o := &outage{script: r.h, until: r.begun.Add(hours * time.Hour)}
		r.startWith(o)
		defer r.stop()
		var want []string
		for event := range events {
			for lane := range lanes {
				id := fmt.Sprintf("lane-%d:%d", lane, event)
				r.add(id)
				want = append(want, id+"#1")
			}
			r.after(hours * time.Hour / events)
		}
		r.after(2 * time.Minute)
		slices.Sort(want)
		r.wantDeliveries(want...)
		r.wantDead()
		last := map[byte]string{}
		for _, id := range r.h.sequence() {
			if lane := id[len("lane-")]; id < last[lane] {
				t.Errorf("%s came after %s", id, last[lane])
			} else {
				last[lane] = id
			}
		}
		// One try a cooldown, however many events wait.
		if most := int(hours * time.Hour / r.cfg.Breaker.Cooldown); o.tries < most/2 || o.tries > most+lanes {
			t.Errorf("%d tries in %d hours", o.tries, hours)
		}
	})
}
