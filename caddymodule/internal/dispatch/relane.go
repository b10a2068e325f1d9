package dispatch

import (
	"fmt"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// relaneAtOnce bounds the deferred events that change their lanes in one step.
const relaneAtOnce = 256

// relane moves events that were deferred one by one, under order "none", into the lanes
// of their vehicles. It runs before anything else is leased. What a step that failed had
// leased is kept for the next attempt.
func (d *Dispatcher) relane(lanes []deferredLane) (moved bool, err error) {
	if d.cfg.Order == OrderNone {
		return false, nil
	}
	for i, l := range lanes {
		if !strings.HasPrefix(l.name, eventLanePrefix) {
			continue
		}
		leases, err := d.consumer.LeaseDeferred(d.work, l.name, buffer.Room{Events: 1})
		if err != nil {
			return moved, fmt.Errorf("reading a deferred event: %w", err)
		}
		moved = moved || len(leases) > 0
		for _, lease := range leases {
			d.relaning = append(d.relaning, buffer.Outcome{
				Position: lease.Event.Position, Verb: buffer.Defer, Lane: laneName(&lease.Event), Retry: lease.Retry,
			})
		}
		if len(d.relaning) >= relaneAtOnce || i == len(lanes)-1 {
			if err := d.storeRelaned(); err != nil {
				return moved, err
			}
		}
	}
	return moved, d.storeRelaned()
}

func (d *Dispatcher) storeRelaned() error {
	if len(d.relaning) == 0 {
		return nil
	}
	if err := d.consumer.Settle(d.work, d.relaning...); err != nil {
		return fmt.Errorf("moving deferred events to their lanes: %w", err)
	}
	d.relaning = d.relaning[:0]
	return nil
}
