package dispatch

import "time"

// backoff is a wait that doubles with every failure in a row.
type backoff struct {
	failures int
	until    time.Time
	err      error // of the last failure
}

const (
	minBackoff = 250 * time.Millisecond
	maxBackoff = 30 * time.Second
)

// backoffs are those of the scheduler.
type backoffs struct {
	store backoff // Settle failed
	lease backoff // Lease failed
	lanes backoff // Lanes failed
	down  backoff // the handler goes down again and again
}

// fail begins or prolongs the backoff, and reports whether it is the first failure in a row.
func (b *backoff) fail(now time.Time, err error) (first bool) {
	b.until = now.Add(min(minBackoff<<min(b.failures, 10), maxBackoff))
	b.failures++
	b.err = err
	return b.failures == 1
}

// over ends the backoff and reports whether there had been failures.
func (b *backoff) over() (failed bool) {
	failed = b.failures > 0
	*b = backoff{}
	return failed
}

func (b *backoff) active(now time.Time) bool { return now.Before(b.until) }

// next returns when the backoff ends, zero when there is none.
func (b *backoff) next(now time.Time) time.Time {
	if !b.active(now) {
		return time.Time{}
	}
	return b.until
}
