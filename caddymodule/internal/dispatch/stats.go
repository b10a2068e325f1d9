package dispatch

import (
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Counts count since Start.
type Counts struct {
	// Delivered events were answered with done.
	Delivered uint64 `json:"delivered"`
	// Skipped events were not wanted.
	Skipped uint64 `json:"skipped"`
	// Retried attempts failed and will be repeated.
	Retried uint64 `json:"retried"`
	// Dead events became dead letters.
	Dead uint64 `json:"dead"`
	// Rejected, Exhausted, Poisoned and Expired are the dead by their reason: the handler said so, the attempts were
	// used up, they ended the handler's process again and again, or they held up their lane for too long.
	Rejected  uint64 `json:"rejected"`
	Exhausted uint64 `json:"exhausted"`
	Poisoned  uint64 `json:"poisoned"`
	Expired   uint64 `json:"expired"`
	// Replayed are those of the delivered that an operator had asked for again.
	Replayed uint64 `json:"replayed"`
	// Stale counts signals of finished events that were no newer than what the handler
	// had had.
	Stale uint64 `json:"stale"`
	// Future counts signals of finished events whose time was in the future, so that they
	// were not compared.
	Future uint64 `json:"future"`
	// Downs: how often the handler was found to be down.
	Downs uint64 `json:"downs"`
}

// Add returns the sum of both.
func (c Counts) Add(more Counts) Counts {
	c.Delivered += more.Delivered
	c.Skipped += more.Skipped
	c.Retried += more.Retried
	c.Dead += more.Dead
	c.Rejected += more.Rejected
	c.Exhausted += more.Exhausted
	c.Poisoned += more.Poisoned
	c.Expired += more.Expired
	c.Replayed += more.Replayed
	c.Stale += more.Stale
	c.Future += more.Future
	c.Downs += more.Downs
	return c
}

// countDead counts a dead letter.
func (c *Counts) countDead(reason buffer.Reason) {
	c.Dead++
	switch reason {
	case buffer.ReasonRejected:
		c.Rejected++
	case buffer.ReasonExhausted:
		c.Exhausted++
	case buffer.ReasonPoison:
		c.Poisoned++
	case buffer.ReasonExpired:
		c.Expired++
	default: // the buffer makes the others
	}
}

// Stats describes a dispatcher at one moment.
type Stats struct {
	Counts
	Unmatched Unmatched `json:"-"`
	// Up: the handler can take calls.
	Up bool `json:"up"`
	// Paused: by an operator.
	Paused bool `json:"paused"`
	// InFlight counts events that are with the handler.
	InFlight int `json:"in_flight"`
	// InMemory counts main line events in memory, with those in flight.
	InMemory int `json:"in_memory"`
	// BytesInMemory is the size of the bodies in memory, with what look-ups under way may bring.
	BytesInMemory int `json:"bytes_in_memory"`
	// Unsettled counts outcomes that are not durable yet.
	Unsettled int `json:"unsettled"`
	// WaitingLanes counts lanes with deferred events, ParkedLanes those of them that nothing is done about until a
	// time, such as that of the next attempt.
	WaitingLanes int `json:"waiting_lanes"`
	ParkedLanes  int `json:"parked_lanes"`
	// RetryError is what the handler said of the last attempt that will be repeated; "" where no lane waits, or where all
	// of them wait since before Start.
	RetryError string `json:"retry_error,omitempty"`
	// Suspects counts events that wait to be delivered alone, or are, because the
	// handler's process ended with them in flight before.
	Suspects int `json:"suspects"`
	// Tables counts vehicles whose newest readings are in memory.
	Tables int `json:"tables"`
	// NextDue is when the first of those that wait goes on; zero: none waits.
	NextDue time.Time    `json:"next_due,omitzero"`
	Breaker BreakerStats `json:"breaker"`
	// StoreError is why outcomes cannot be recorded, "" when they can.
	StoreError string `json:"store_error,omitempty"`
}

// BreakerStats describes the breaker.
type BreakerStats struct {
	State BreakerState `json:"state"`
	// Since when the handler has worked (closed) or failed (open, half-open).
	Since time.Time `json:"since"`
	// Until is when a probe is due; zero unless open.
	Until time.Time `json:"until,omitzero"`
	// Why is what opened it; "" while closed.
	Why string `json:"why,omitempty"`
	// Reported is what the handler itself said when it was unavailable; "" when failures
	// opened the breaker.
	Reported string `json:"reported,omitempty"`
}

// published is the copy of the scheduler's state that others may read.
type published struct {
	mu    sync.Mutex
	stats Stats
}

// Stats returns what the dispatcher is doing. It is cheap.
func (d *Dispatcher) Stats() Stats {
	d.published.mu.Lock()
	defer d.published.mu.Unlock()
	return d.published.stats
}

// publish copies the scheduler's state for others to read.
func (d *Dispatcher) publish() {
	s := Stats{
		Counts:        d.counts,
		Unmatched:     d.unmatched,
		Up:            d.up,
		Paused:        d.paused,
		InFlight:      d.inFlight,
		InMemory:      d.inMemory,
		BytesInMemory: d.held.main + d.held.fetched,
		Unsettled:     d.outbox.unsettled(),
		WaitingLanes:  d.onDisk,
		ParkedLanes:   len(d.waiting),
		Suspects:      d.suspects.len(),
		Tables:        d.fresh.recent.Len(),
		Breaker:       BreakerStats{State: d.breaker.state, Since: d.breaker.since, Why: d.breaker.cause.why, Reported: d.breaker.cause.reported},
	}
	if d.isolating {
		s.Suspects++
	}
	if d.onDisk > 0 {
		s.RetryError = d.retryError
	}
	if len(d.waiting) > 0 {
		s.NextDue = d.waiting[0].due
	}
	if d.breaker.state == BreakerOpen {
		s.Breaker.Until = d.breaker.until
	}
	if err := d.backoffs.store.err; err != nil {
		s.StoreError = err.Error()
	}
	d.published.mu.Lock()
	d.published.stats = s
	d.published.mu.Unlock()
}
