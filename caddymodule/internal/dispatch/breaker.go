package dispatch

import (
	"fmt"
	"log/slog"
	"time"
)

// BreakerState is what the breaker lets through.
type BreakerState string

// The states.
const (
	// BreakerClosed: everything.
	BreakerClosed BreakerState = "closed"
	// BreakerOpen: nothing.
	BreakerOpen BreakerState = "open"
	// BreakerHalfOpen: one event, the probe, whose answer decides.
	BreakerHalfOpen BreakerState = "half-open"
)

// breaker stops deliveries to a handler that keeps failing. The scheduler owns it.
type breaker struct {
	policy BreakerPolicy
	log    *slog.Logger

	state   BreakerState
	since   time.Time
	until   time.Time // while open
	cause   cause
	failed  int // in a row, while closed
	probing bool
}

// cause is what opened a breaker; empty while it is closed.
type cause struct {
	why string
	// reported is what the handler said when it was unavailable, "" when it failed.
	reported string
}

// tick ends the cooldown when it is over.
func (b *breaker) tick(now time.Time) {
	if b.state == BreakerOpen && !now.Before(b.until) {
		b.enter(BreakerHalfOpen, now, b.cause)
	}
}

// allows returns how many events the next call may carry, at most n.
func (b *breaker) allows(n int) int {
	switch {
	case b.state == BreakerClosed:
		return n
	case b.state == BreakerHalfOpen && !b.probing:
		return 1
	default:
		return 0
	}
}

// sent notes a call and reports whether it is the probe.
func (b *breaker) sent() (probe bool) {
	b.probing = b.state == BreakerHalfOpen
	return b.probing
}

// succeeded notes an answer that shows that the handler works. Late answers of calls from
// before the breaker opened close nothing.
func (b *breaker) succeeded(now time.Time, probe bool) {
	b.failed = 0
	if !probe || b.state != BreakerHalfOpen {
		return
	}
	b.log.Info("breaker closes: the probe succeeded", "open_for", now.Sub(b.since).Round(time.Millisecond))
	b.enter(BreakerClosed, now, cause{})
}

// failure notes a failed attempt.
func (b *breaker) failure(now time.Time, probe bool, text string) {
	if b.state == BreakerHalfOpen && probe {
		b.open(now, b.policy.Cooldown, cause{why: "the probe failed: " + text})
		return
	}
	if b.state != BreakerClosed {
		return
	}
	b.failed++
	if b.failed < b.policy.Failures {
		return
	}
	b.open(now, b.policy.Cooldown, cause{why: fmt.Sprintf("%d failures in a row, the last: %s", b.failed, text)})
}

// unavailable notes that what the handler depends on is down.
func (b *breaker) unavailable(now time.Time, after time.Duration, text string) {
	cooldown := max(b.policy.Cooldown, min(after, maxAfter))
	if b.state == BreakerOpen {
		if until := now.Add(cooldown); until.After(b.until) {
			b.until = until
		}
		return
	}
	b.open(now, cooldown, cause{why: "the handler is unavailable: " + text, reported: text})
}

// unanswered notes that a call ended without an answer about its events.
func (b *breaker) unanswered(probe bool) {
	if probe {
		b.probing = false
	}
}

// reset closes it because an operator says that the handler works again. Answers decide anew.
func (b *breaker) reset(now time.Time) {
	b.failed = 0
	if b.state == BreakerClosed {
		return
	}
	b.log.Info("breaker closes: an operator resumed deliveries", "open_for", now.Sub(b.since).Round(time.Millisecond))
	b.enter(BreakerClosed, now, cause{})
}

func (b *breaker) open(now time.Time, cooldown time.Duration, c cause) {
	b.enter(BreakerOpen, now, c)
	b.until = now.Add(cooldown)
	b.log.Warn("breaker opens: deliveries pause, events wait in the buffer",
		"why", c.why, "probe_in", cooldown)
}

func (b *breaker) enter(s BreakerState, now time.Time, c cause) {
	// The time for which the handler has failed includes the probes.
	if s != BreakerHalfOpen && (b.state != BreakerHalfOpen || s != BreakerOpen) {
		b.since = now
	}
	b.state, b.cause, b.failed, b.probing = s, c, 0, false
}
