package dispatch

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
)

// Order says which events wait for each other.
type Order string

// The orders.
const (
	// OrderVehicle: one event of a vehicle at a time, in the order of arrival.
	OrderVehicle Order = "vehicle"
	// OrderNone: no event waits for another.
	OrderNone Order = "none"
)

// Config says how to deliver to one handler. Every field is required that does not say
// otherwise: the handlers file has the defaults.
type Config struct {
	// Name of the handler, for logs; may be empty.
	Name string
	// Order of the events.
	Order Order
	// Concurrency is how many calls of the handler may be under way.
	Concurrency int
	// Timeout of one call.
	Timeout time.Duration
	Retry   RetryPolicy
	Breaker BreakerPolicy
	Batch   BatchPolicy
	// ParkAfter is when an event that fails lets its lane go on; zero: Retry decides.
	ParkAfter ParkPolicy
	// Stale is what becomes of signals that are no newer than what the handler has had;
	// empty: freshness.Deliver.
	Stale freshness.Mode
	// MaxBytes bounds the event bodies in memory; zero: DefaultMaxBytes. One event is taken
	// in any case.
	MaxBytes int
	// Paused: begin paused, until Resume.
	Paused bool
	// When reports whether the handler is to have this event; nil: all. It is called
	// concurrently.
	When func(*buffer.Event) bool
	// Awaits reports whether When, which does not want this event, waits for a rarer one that Smartcar sends too; nil:
	// it does not.
	Awaits func(*buffer.Event) bool
	// Observer is told what becomes of events; nil: nobody is.
	Observer Observer
	// Log takes what happens; nil: nothing is logged.
	Log *slog.Logger
	// Stages says which steps of an attempt have a line of their own there; nil: none. It may change at any time.
	Stages *stage.Switch
	// Rand returns numbers in [0, 1) for the jitter; nil: math/rand. It is called from
	// one goroutine.
	Rand func() float64
}

// DefaultMaxBytes of event bodies are in memory for one handler.
const DefaultMaxBytes = 64 << 20

// RetryPolicy is the policy for deliveries that failed.
type RetryPolicy struct {
	// MaxAttempts is after how many counted attempts an event is a dead letter.
	MaxAttempts int
	// MinDelay and MaxDelay bound the wait before the next attempt, which is random
	// between MinDelay and a ceiling that doubles with every attempt.
	MinDelay, MaxDelay time.Duration
}

// BreakerPolicy says when to stop delivering for a while.
type BreakerPolicy struct {
	// Failures in a row that open the breaker.
	Failures int
	// Cooldown is how long it stays open before a probe.
	Cooldown time.Duration
}

// BatchPolicy bounds what one call carries.
type BatchPolicy struct {
	// MaxEvents in one call, if the handler takes that many. A batch holds at most one
	// event of a lane.
	MaxEvents int
	// MaxWait is how long a batch that is not full waits for more; zero: not at all.
	MaxWait time.Duration
}

// complete returns c with a logger and a source of random numbers. A Config without a
// required field would never deliver, so it panics: that is a mistake in the program.
func (c Config) complete() Config {
	for field, missing := range map[string]bool{
		"Order":             c.Order == "",
		"Concurrency":       c.Concurrency <= 0,
		"Timeout":           c.Timeout <= 0,
		"Retry.MaxAttempts": c.Retry.MaxAttempts <= 0,
		"Retry.MinDelay":    c.Retry.MinDelay <= 0,
		"Retry.MaxDelay":    c.Retry.MaxDelay <= 0,
		"Breaker.Failures":  c.Breaker.Failures <= 0,
		"Breaker.Cooldown":  c.Breaker.Cooldown <= 0,
		"Batch.MaxEvents":   c.Batch.MaxEvents <= 0,
	} {
		if missing {
			panic("dispatch: Config without " + field)
		}
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	c.Retry.MaxDelay = max(c.Retry.MaxDelay, c.Retry.MinDelay)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("handler", c.Name)
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	return c
}
