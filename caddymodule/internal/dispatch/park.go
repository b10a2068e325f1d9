package dispatch

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// ParkPolicy says when an event that fails has held up its lane for long enough and becomes a
// dead letter, so that the lane goes on. It is checked after each counted attempt that
// failed: time in which the breaker was open, or the handler down, parks nothing by itself.
type ParkPolicy struct {
	// Attempts that failed; 0: no bound but Retry.MaxAttempts.
	Attempts int
	// Age since the first failed attempt; 0: no bound.
	Age time.Duration
}

// verdict reports whether an event in this state, which failed again at now, gets no further
// attempt, and why.
func (c *Config) verdict(r buffer.Retry, now time.Time) (reason buffer.Reason, over bool) {
	switch {
	case r.Attempts >= c.Retry.MaxAttempts, c.ParkAfter.Attempts > 0 && r.Attempts >= c.ParkAfter.Attempts:
		return buffer.ReasonExhausted, true
	case c.ParkAfter.Age > 0 && now.Sub(r.FirstAt) >= c.ParkAfter.Age:
		return buffer.ReasonExpired, true
	default:
		return "", false
	}
}
