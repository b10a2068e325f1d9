package sdk

import (
	"context"
	"fmt"
	"slices"
)

// Option changes how a plugin is served.
type Option func(*settings)

type settings struct {
	version    string
	eventTypes []string
	maxBatch   int
	onClose    []func(context.Context) error
}

// maxMaxBatch bounds what a plugin may call a batch.
const maxMaxBatch = 1 << 20

// WithVersion sets the version that logs and status pages show, as free text. Default: the version of the program's
// main module.
func WithVersion(version string) Option {
	return func(s *settings) { s.version = version }
}

// WithEventTypes limits the handler to these event types, such as "VEHICLE_STATE". An event of another type is done
// without a call. Default: all types, also those that do not exist yet.
func WithEventTypes(types ...string) Option {
	return func(s *settings) { s.eventTypes = slices.Clone(types) }
}

// WithMaxBatch sets how many events one call of a [BatchHandler] takes at most. The handlers file may ask for fewer.
// Default: 1. It panics for n < 1, and [New] panics for n > 1: a [Handler] takes one event.
func WithMaxBatch(n int) Option {
	if n < 1 || n > maxMaxBatch {
		panic(fmt.Sprintf("sdk: WithMaxBatch(%d): it must be from 1 to %d", n, maxMaxBatch))
	}
	return func(s *settings) { s.maxBatch = n }
}

// WithClose registers f to be called when the plugin stops, after the last event is finished. It is meant for
// [NewSimple]; a function that opens the handler calls [OnClose] beside what it opens.
func WithClose(f func(ctx context.Context) error) Option {
	return func(s *settings) { s.onClose = append(s.onClose, f) }
}
