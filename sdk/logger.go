package sdk

import (
	"context"
	"log/slog"
)

// delivery is what the SDK knows about the call that a context belongs to.
type delivery struct {
	instance *instance
	event    *Event
}

type deliveryKey struct{}

// Logger gives the logger for ctx: within a delivery its records carry the
// event's id, type and attempt. Records go to the host's log, where they carry
// the handler's name; the host decides which levels are shown. Outside of the
// SDK's contexts it is slog.Default(), which [Serve] directs to the host too.
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
