package dispatch

import "time"

// pause is a wait that doubles with every failure in a row.
type pause struct {
	failures int
	until    time.Time
	err      error // of the last failure
}

const (
	minPause = 250 * time.Millisecond
	maxPause = 30 * time.Second
)

// pauses are what the scheduler waits out.
type pauses struct {
	store pause // Settle failed
	lease pause // Lease failed
	lanes pause // Lanes failed
	down  pause // the handler goes down again and again
}

// fail begins or prolongs the pause and says whether it is the first in a row.
func (p *pause) fail(now time.Time, err error) (first bool) {
	p.until = now.Add(min(minPause<<min(p.failures, 10), maxPause))
	p.failures++
	p.err = err
	return p.failures == 1
}

// over ends the pause and says whether there had been failures.
func (p *pause) over() (failed bool) {
	failed = p.failures > 0
	*p = pause{}
	return failed
}

func (p *pause) active(now time.Time) bool { return now.Before(p.until) }

// next returns when the pause ends, zero when there is none.
func (p *pause) next(now time.Time) time.Time {
	if !p.active(now) {
		return time.Time{}
	}
	return p.until
}
