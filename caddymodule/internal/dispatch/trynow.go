package dispatch

import (
	"container/heap"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// tryNow is for an operator who says that what the handler needs works again: it closes the
// breaker, and what waits for its next attempt is due. Attempts stay counted, and lanes keep
// their order. It is not stored: after a restart, what was not tried yet waits as before.
func (d *Dispatcher) tryNow(now time.Time) {
	d.triedAt = now
	d.breaker.reset(now)
	d.downs = 0
	d.backoffs.down.over()
	for len(d.waiting) > 0 {
		d.queueLookUp(heap.Pop(&d.waiting).(*lane))
	}
	for _, l := range d.blocked {
		l.due, l.dueOf = time.Time{}, 0 // the main line comes first all the same
	}
}

// dueAt returns when an event is due, zero: at once. A wait from before tryNow is over.
func (d *Dispatcher) dueAt(r buffer.Retry, now time.Time) time.Time {
	if r.LastAt.Before(d.triedAt) {
		return time.Time{}
	}
	return d.cfg.Retry.due(r, now)
}
