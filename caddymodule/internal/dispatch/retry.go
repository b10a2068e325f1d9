package dispatch

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

const (
	// maxAfter bounds what a handler may ask for: a plugin that mistakes milliseconds
	// for seconds must not park an event for months.
	maxAfter = 24 * time.Hour
	// maxErrorBytes bounds a handler's text, which is stored with every retry.
	maxErrorBytes = 1024
)

// delay returns how long to wait after the given counted attempt. It is exponential
// with full jitter above a floor: a uniform random time between MinDelay and a ceiling
// that doubles with every attempt, from twice MinDelay up to MaxDelay, so that events
// that failed together do not come back together. It depends on nothing that a
// restart forgets.
func (p RetryPolicy) delay(attempt int, random float64, after time.Duration) time.Duration {
	ceiling := p.MinDelay
	for range attempt {
		if ceiling >= p.MaxDelay/2 {
			ceiling = p.MaxDelay
			break
		}
		ceiling *= 2
	}
	d := p.MinDelay + time.Duration(random*float64(ceiling-p.MinDelay))
	return max(d, min(after, maxAfter))
}

// due returns when the next delivery is due, by the monotonic clock; zero or past: at once. The wall clock may have been
// set since NotBefore was stored, so no wait is longer than it was meant to be when the last attempt failed.
func (p RetryPolicy) due(r buffer.Retry, now time.Time) time.Time {
	if r.NotBefore.IsZero() {
		return time.Time{}
	}
	meant := p.MaxDelay
	if wait := r.NotBefore.Sub(r.LastAt); !r.LastAt.IsZero() && wait > 0 {
		meant = min(wait, max(p.MaxDelay, maxAfter))
	}
	return now.Add(min(r.NotBefore.Sub(now), meant))
}

// counted returns the retry state after one more attempt that failed at now, so long after the one before.
func counted(r buffer.Retry, now time.Time, passed time.Duration, why string) buffer.Retry {
	why = clip(why)
	if r.Attempts == 0 {
		r.FirstAt, r.FirstError = now, why
		passed = 0
	}
	r.Failing += passed
	r.Attempts++
	r.LastAt, r.LastError = now, why
	r.NotBefore = time.Time{}
	return r
}

// clip bounds a handler's text.
func clip(s string) string { return text.Clip(s, maxErrorBytes) }
