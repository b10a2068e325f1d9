package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
)

// Options configure an engine.
type Options struct {
	// Opener opens the buffer.
	Opener buffer.Opener
	// Bundled returns how to start a plugin that is compiled in; nil: there is none.
	Bundled func(plugin string) (command string, args []string, ok bool)
	// PassesOn reports whether a plugin that is compiled in passes on what a program of the user's says; nil: none does.
	PassesOn func(plugin string) bool
	// RuntimeDir is where plugins' sockets go; "": the system's directory for
	// temporary files. FallbackDir is where they go if no other place will do; see
	// pluginhost.Spec.
	RuntimeDir, FallbackDir string
	// DrainTimeout is how long deliveries in flight may take to end when a handler is
	// stopped or replaced; default 4s. Destruct takes at most a second longer.
	DrainTimeout time.Duration
	// Reread reads the body of an unreadable event again: it fills in the fields that come
	// from the envelope, including ID where the body has one, or returns why the event is
	// still unreadable. nil: unreadable dead letters cannot be replayed.
	Reread func(*buffer.Event) error
	// NewPlugin makes a plugin that has not started. nil: pluginhost.New, which runs a
	// process. Tests that need thousands of engines, or virtual time, use handlers in their
	// own process.
	NewPlugin func(pluginhost.Spec) Plugin
	// Presence is told when events can be taken. nil: that is not noted for the next process either.
	Presence Presence
	// Listening reports whether requests come to the receivers, as far as that is known: not before and after the time
	// in which there are listeners. nil: they always do.
	Listening func() bool
	// ObserveEvents is told of each new event; nil: nobody is.
	ObserveEvents EventObserver
	// ObserveBuffer is told what the buffer does; nil: nobody is.
	ObserveBuffer buffer.Observer
	// ObserveHandler returns who is told what becomes of a handler's events; nil: nobody is. It is called for each new
	// dispatcher of the handler.
	ObserveHandler func(handler string) dispatch.Observer
	// Log takes what happens; nil: nothing is logged.
	Log *slog.Logger
	// Stages says which steps of a delivery have a line of their own there; nil: none. It may change at any time.
	Stages *stage.Switch
}

// EventObserver is told of events when they are stored. What it is not told of it can read from the buffer: events of an
// Append that ended with its context, and those that the buffer stores by itself.
type EventObserver interface {
	// Opened is called once, when the buffer is open and before anything is stored in it.
	Opened(b buffer.Buffer)
	// Stored is called after each Append that stored a new event. It must not wait for anything, nor keep the event or
	// its body. It may be called after Close.
	Stored(position uint64, e *buffer.Event)
	// Close is called when the engine ends, while the buffer is still open. It ends when ctx does.
	Close(ctx context.Context) error
}
