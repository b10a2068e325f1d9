package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// ErrDown means that the handler is not there: its process has ended or has not started.
// What was in flight is delivered again, and no attempt is counted.
var ErrDown = errors.New("handler is down")

// CrashError is an ErrDown: the process ended by itself with the batch in flight. It was
// killed, exited or panicked, or the host ended it because it did not answer its health
// checks.
type CrashError struct {
	// Detail says how it ended, with the last lines that it wrote, for people.
	Detail string
}

// Error is the detail.
func (e *CrashError) Error() string { return e.Detail }

// Unwrap makes it an ErrDown.
func (e *CrashError) Unwrap() error { return ErrDown }

// Handler takes deliveries. Dispatch does not know what is behind it.
type Handler interface {
	// Ready blocks until the handler can take a call, or ctx ends.
	Ready(ctx context.Context) error
	// Handle delivers a batch and returns one Result per delivery, in order. An error
	// is about the whole batch: ErrDown (wrapped) or context.DeadlineExceeded when the
	// handler did not answer in time.
	Handle(ctx context.Context, batch []Delivery) ([]Result, error)
	// MaxBatch is the most deliveries that one call may carry, at least 1. It may be
	// asked once Ready has returned.
	MaxBatch() int
	// Wants reports whether the handler asked for this event type. It may be asked once
	// Ready has returned.
	Wants(eventType string) bool
}

// Delivery is one attempt to give one event to the handler.
type Delivery struct {
	Event *buffer.Event
	// Attempt is 1 for the first.
	Attempt int
	// Replay: an operator asked for the event again.
	Replay bool
	// Stale are the codes of signals that are no newer than what the handler has had
	// before; see package freshness.
	Stale []string
}

// Status is a handler's answer about one event.
type Status int

// The statuses.
const (
	// Done: finished.
	Done Status = iota + 1
	// Retry: again, after Result.After if set, else by the policy.
	Retry
	// Reject: dead letter now.
	Reject
	// Unavailable: something that the handler depends on is down; stop for a while, count
	// no attempt.
	Unavailable
)

// Result is a handler's answer for one delivery.
type Result struct {
	Status Status
	// After, for Retry and Unavailable: how long to wait at least. 0: the policy decides.
	After time.Duration
	// Reason, for Reject: a short stable word.
	Reason string
	// Error is the handler's text, for people.
	Error string
}
