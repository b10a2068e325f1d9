package sdk

import (
	"context"
	"log/slog"
)

// delivery is the call that a context belongs to; event is nil in a batch of several.
type delivery struct {
	instance *instance
	event    *Event
}

type deliveryKey struct{}

// Logger gives the logger for ctx. In the call of a handler its records carry the event's id, type and attempt. They go
// to the host's log, which adds the handler's name and decides which levels it shows. For a context that is not the
// SDK's, Logger gives slog.Default(), which [Serve] directs to the host too.
func Logger(ctx context.Context) *slog.Logger {
	if d, ok := ctx.Value(deliveryKey{}).(*delivery); ok {
		if d.event == nil {
			return d.instance.log
		}
		return d.instance.log.With("event_id", d.event.ID, "event_type", d.event.Type, "attempt", d.event.Attempt)
	}
	if s, ok := ctx.Value(instanceKey{}).(*instance); ok {
		return s.log
	}
	return slog.Default()
}
