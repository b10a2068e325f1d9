// Package traffic counts what reaches the receivers: events by outcome, refusals by code, and
// connections.
package traffic

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// Counters count what receivers did, by source. They belong to the engine, so a
// reload does not set them back.
type Counters struct {
	Outage      OutageWatch
	Crowd       CrowdWatch
	Connections ConnectionCounters
	// Since is when counting began.
	Since time.Time

	mu      sync.Mutex
	sources map[string]*Source
}

// Source counts for one source. The usual outcomes have a field of their own,
// so that a request costs one atomic addition.
type Source struct {
	Stored, Duplicate, Differs, Verified, Unreadable atomic.Uint64

	// Outage and Crowd are shared by all sources, as the buffer and the memory are.
	Outage *OutageWatch
	Crowd  *CrowdWatch

	mu      sync.Mutex
	refused map[string]uint64
}

// Source returns the counters of a source, which stay the same for the life of c.
func (c *Counters) Source(name string) *Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.sources[name]; ok {
		return s
	}
	if c.sources == nil {
		c.sources = make(map[string]*Source)
	}
	s := &Source{Outage: &c.Outage, Crowd: &c.Crowd, refused: make(map[string]uint64)}
	c.sources[name] = s
	return s
}

// Names returns the sources there are, sorted.
func (c *Counters) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.sources))
}

// Refuse counts a refusal by the code of its answer.
func (s *Source) Refuse(code string) {
	s.mu.Lock()
	s.refused[code]++
	s.mu.Unlock()
}

// Snapshot copies the counts.
func (s *Source) Snapshot() api.SourceCounts {
	s.mu.Lock()
	refused := maps.Clone(s.refused)
	s.mu.Unlock()
	return api.SourceCounts{
		Stored:     s.Stored.Load() + s.Unreadable.Load(),
		Unreadable: s.Unreadable.Load(),
		Duplicates: s.Duplicate.Load(),
		Differing:  s.Differs.Load(),
		Verified:   s.Verified.Load(),
		Refused:    refused,
	}
}
