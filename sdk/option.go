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

// Version sets the version that logs and status pages show, free text. Default:
// the version of the program's main module.
func Version(version string) Option {
	return func(s *settings) { s.version = version }
}

// EventTypes limits the handler to these event types, such as "VEHICLE_STATE";
// others are settled without a call. Default: all of them, also types that do
// not exist yet.
func EventTypes(types ...string) Option {
	return func(s *settings) { s.eventTypes = slices.Clone(types) }
}

// MaxBatch is the most events that one call of a [BatchHandler] takes. The
// handlers file may ask for less. Default: 1. It panics for n < 1.
func MaxBatch(n int) Option {
	if n < 1 || n > 1<<20 {
		panic(fmt.Sprintf("sdk: MaxBatch(%d): it must be from 1 to 1048576", n))
	}
	return func(s *settings) { s.maxBatch = n }
}

// Close has f called when the plugin stops, after the last event is finished.
// It is meant for [NewSimple]; where there is a function that opens the handler,
// [OnClose] is nearer to what is to be closed.
func Close(f func(ctx context.Context) error) Option {
	return func(s *settings) { s.onClose = append(s.onClose, f) }
}
