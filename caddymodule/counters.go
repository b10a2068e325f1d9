package caddymodule

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// counters count what receivers did, by source. They belong to the engine, so a
// reload does not set them back.
type counters struct {
	trouble     troubleWatch
	connections connections
	// since is when counting began.
	since time.Time

	mu      sync.Mutex
	sources map[string]*sourceCounters
}

// sourceCounters count for one source. The usual outcomes have a field of their own,
// so that a request costs one atomic addition.
type sourceCounters struct {
	stored, duplicate, differs, verified, unreadable atomic.Uint64

	// trouble is shared by all sources, as the buffer is.
	trouble *troubleWatch

	mu      sync.Mutex
	refused map[string]uint64
}

// source returns the counters of a source, which stay the same for the life of c.
func (c *counters) source(name string) *sourceCounters {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.sources[name]; ok {
		return s
	}
	if c.sources == nil {
		c.sources = make(map[string]*sourceCounters)
	}
	s := &sourceCounters{trouble: &c.trouble, refused: make(map[string]uint64)}
	c.sources[name] = s
	return s
}

// names returns the sources there are, sorted.
func (c *counters) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.sources))
}

func (s *sourceCounters) refuse(code string) {
	s.mu.Lock()
	s.refused[code]++
	s.mu.Unlock()
}

// Counts is what one source's receivers did since the buffer was first used by this
// process.
type Counts struct {
	// Stored counts new events, unreadable ones included; Unreadable the latter alone.
	Stored     uint64 `json:"stored"`
	Unreadable uint64 `json:"unreadable"`
	// Duplicates counts events that were stored already; Differing those of them whose
	// data was not that of the stored event.
	Duplicates uint64 `json:"duplicates"`
	Differing  uint64 `json:"differing"`
	// Verified counts answered challenges.
	Verified uint64 `json:"verified"`
	// Refused counts the rest, by the code of the answer.
	Refused map[string]uint64 `json:"refused,omitempty"`
}

// snapshot copies the counts.
func (s *sourceCounters) snapshot() Counts {
	s.mu.Lock()
	refused := make(map[string]uint64, len(s.refused))
	for code, n := range s.refused {
		refused[code] = n
	}
	s.mu.Unlock()
	return Counts{
		Stored:     s.stored.Load() + s.unreadable.Load(),
		Unreadable: s.unreadable.Load(),
		Duplicates: s.duplicate.Load(),
		Differing:  s.differs.Load(),
		Verified:   s.verified.Load(),
		Refused:    refused,
	}
}
