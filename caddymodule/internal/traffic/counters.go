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

	// lastStored is when an event was last stored, in Unix nanoseconds, 0 for never.
	lastStored atomic.Int64
	refused    refusalLog
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
	s := &Source{Outage: &c.Outage, Crowd: &c.Crowd}
	c.sources[name] = s
	return s
}

// Names returns the sources there are, sorted.
func (c *Counters) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.sources))
}

// NoteStored counts a new event that could be read.
func (s *Source) NoteStored(at time.Time) {
	s.Stored.Add(1)
	s.lastStored.Store(at.UnixNano())
}

// NoteUnreadable counts a new event that could not.
func (s *Source) NoteUnreadable(at time.Time) {
	s.Unreadable.Add(1)
	s.lastStored.Store(at.UnixNano())
}

// Refuse counts a refusal by the code of its answer. event: the request was meant to be an event, as far as one can
// tell, and its sender may be Smartcar.
func (s *Source) Refuse(code string, at time.Time, event bool) {
	s.refused.note(at, code, event, s.taken())
}

// Refusals are the refused events that none that was taken has followed.
func (s *Source) Refusals() Refusals { return s.refused.since(s.taken()) }

// taken counts the events with a right signature that are stored.
func (s *Source) taken() uint64 {
	return s.Stored.Load() + s.Unreadable.Load() + s.Duplicate.Load()
}

// Snapshot copies the counts.
func (s *Source) Snapshot() api.SourceCounts {
	counts := api.SourceCounts{
		Stored:     s.Stored.Load() + s.Unreadable.Load(),
		Unreadable: s.Unreadable.Load(),
		Duplicates: s.Duplicate.Load(),
		Differing:  s.Differs.Load(),
		Verified:   s.Verified.Load(),
	}
	if at := s.lastStored.Load(); at != 0 {
		counts.LastStored = time.Unix(0, at).UTC()
	}
	s.refused.mu.Lock()
	defer s.refused.mu.Unlock()
	counts.Refused = maps.Clone(s.refused.counts)
	counts.LastRefused, counts.LastRefusal = api.UTC(s.refused.last), s.refused.code
	return counts
}
