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
	// Age since the first failed attempt, as far as that time has verifiably passed; 0: no bound.
	Age time.Duration
}

// count counts an attempt of an event that failed at now. The wall clock may have been set
// since the attempt before, so the time between them is the monotonic clock's; of an attempt
// of an earlier run it is known only that it was before this one began, and of one that failures
// has forgotten only that it was before those that it knows: parking may be late, never early.
func (d *Dispatcher) count(it *item, now time.Time, why string) {
	passed := max(0, now.Sub(d.failures.last(it.position())))
	d.failures.note(it.position(), now)
	it.retry = counted(it.retry, now, passed, why)
}

// remembered is of how many events the policy needs the time of the last failure.
func (p ParkPolicy) remembered() int {
	if p.Age <= 0 {
		return 0
	}
	return maxFailures
}

// verdict reports whether an event in this state, which failed again just now, gets no further
// attempt, and why.
func (c *Config) verdict(r buffer.Retry) (reason buffer.Reason, over bool) {
	switch {
	case r.Attempts >= c.Retry.MaxAttempts, c.ParkAfter.Attempts > 0 && r.Attempts >= c.ParkAfter.Attempts:
		return buffer.ReasonExhausted, true
	case c.ParkAfter.Age > 0 && r.Failing >= c.ParkAfter.Age:
		return buffer.ReasonExpired, true
	default:
		return "", false
	}
}
