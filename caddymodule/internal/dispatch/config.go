package dispatch

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
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

// Config says how to deliver to one handler. A zero field takes its default.
type Config struct {
	// Name of the handler, for logs.
	Name string
	// Order; default: vehicle.
	Order Order
	// Concurrency is how many calls of the handler may be under way; default 16.
	Concurrency int
	// Timeout of one call; default 10s.
	Timeout time.Duration
	Retry   RetryPolicy
	Breaker BreakerPolicy
	Batch   BatchPolicy
	// ParkAfter is when an event that fails lets its lane go on; zero: Retry decides.
	ParkAfter ParkPolicy
	// Stale is what becomes of signals that are no newer than what the handler has had;
	// default: freshness.Deliver.
	Stale freshness.Mode
	// Paused: begin paused, until Resume.
	Paused bool
	// When reports whether the handler is to have this event; nil: all. It is called
	// concurrently.
	When func(*buffer.Event) bool
	// Log takes what happens; nil: nothing is logged.
	Log *slog.Logger
	// Rand returns numbers in [0, 1) for the jitter; nil: math/rand. It is called from
	// one goroutine.
	Rand func() float64
}

// RetryPolicy is the policy for deliveries that failed.
type RetryPolicy struct {
	// MaxAttempts is after how many counted attempts an event is a dead letter;
	// default 12.
	MaxAttempts int
	// MinDelay and MaxDelay bound the wait before the next attempt, which is random
	// between MinDelay and a ceiling that doubles with every attempt; defaults 1s, 10m.
	MinDelay, MaxDelay time.Duration
}

// BreakerPolicy says when to stop delivering for a while.
type BreakerPolicy struct {
	// Failures in a row that open the breaker; default 5.
	Failures int
	// Cooldown is how long it stays open before a probe; default 60s.
	Cooldown time.Duration
}

// BatchPolicy bounds what one call carries.
type BatchPolicy struct {
	// MaxEvents in one call, if the handler takes that many; default 1. A batch holds
	// at most one event of a lane.
	MaxEvents int
	// MaxWait is how long a batch that is not full waits for more; default 0.
	MaxWait time.Duration
}

// withDefaults returns c with every zero field set.
func (c Config) withDefaults() Config {
	if c.Order == "" {
		c.Order = OrderVehicle
	}
	c.Concurrency = positive(c.Concurrency, 16)
	c.Timeout = positive(c.Timeout, 10*time.Second)
	c.Retry.MaxAttempts = positive(c.Retry.MaxAttempts, 12)
	c.Retry.MinDelay = positive(c.Retry.MinDelay, time.Second)
	c.Retry.MaxDelay = max(positive(c.Retry.MaxDelay, 10*time.Minute), c.Retry.MinDelay)
	c.Breaker.Failures = positive(c.Breaker.Failures, 5)
	c.Breaker.Cooldown = positive(c.Breaker.Cooldown, time.Minute)
	c.Batch.MaxEvents = positive(c.Batch.MaxEvents, 1)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("handler", c.Name)
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	return c
}

func positive[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
