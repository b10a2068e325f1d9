// Package traffic counts what reaches the receivers: events by outcome, refusals by code, and
// connections.
package traffic

import (
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
)

// Counters count what receivers did, by source. They belong to the engine, so a
// reload does not set them back.
type Counters struct {
	Outage      OutageWatch
	Crowd       CrowdWatch
	Connections ConnectionCounters
	// Loss knows which deliveries are lost; nil: a clock of its own.
	Loss *lossclock.Clock
	// Since is when counting began.
	Since time.Time
	// Passed is the time since some moment, by a clock that nobody sets; nil: the system's monotonic one.
	Passed func() time.Duration

	mu      sync.Mutex
	sources map[string]*Source
	// tokens are those of the configs that are loaded, by source; accepted are those of the config in force.
	tokens   map[string]map[fingerprint]*Token
	accepted Accepted
	// key is that of the fingerprints.
	key []byte
}

// Source counts for one source. The usual outcomes have a field of their own,
// so that a request costs one atomic addition.
type Source struct {
	Stored, Duplicate, Differs, Verified, Unreadable atomic.Uint64

	// passed and notTaken count what is stored nowhere: events that were passed on to an application, by its answer.
	passed, notTaken atomic.Uint64

	// Ages counts deliveries with a right signature whose time of sending is out of the usual, where that is looked at.
	Ages Ages

	// Outage and Crowd are shared by all sources, as the buffer and the memory are.
	Outage *OutageWatch
	Crowd  *CrowdWatch
	// Loss has the deliveries of this source.
	Loss *lossclock.Source

	// matches count right signatures by the number of the token, from 1; at 0, those of any above.
	matches [tokensApart + 1]atomic.Uint64
	// lastStored is when an event was last stored, or taken by an application, in Unix nanoseconds, 0 for never.
	lastStored atomic.Int64
	refused    refusalLog
	live       liveWatch
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
	s := &Source{Outage: &c.Outage, Crowd: &c.Crowd, Loss: c.loss().Source(name)}
	c.sources[name] = s
	return s
}

// Downtime returns for how long nothing could be received before this process.
func (c *Counters) Downtime() lossclock.Downtime {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loss().Downtime()
}

// loss returns the clock. The caller holds mu.
func (c *Counters) loss() *lossclock.Clock {
	if c.Loss == nil {
		c.Loss = lossclock.New(nil, nil)
	}
	return c.Loss
}

// clock returns how time is told that no wall clock can change. The caller holds mu.
func (c *Counters) clock() func() time.Duration {
	if c.Passed == nil {
		begun := time.Now()
		c.Passed = func() time.Duration { return time.Since(begun) }
	}
	return c.Passed
}

// Names returns the sources there are, sorted.
func (c *Counters) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.sources))
}

// tokensApart is how many tokens are counted each by itself.
const tokensApart = 9

// Match counts a right signature by the number of its token, from 1.
func (s *Source) Match(token int) {
	if token > tokensApart {
		token = 0
	}
	s.matches[token].Add(1)
}

// matchesByToken returns the counts of the tokens that have any.
func (s *Source) matchesByToken() map[string]uint64 {
	var by map[string]uint64
	for i := range s.matches {
		n := s.matches[i].Load()
		if n == 0 {
			continue
		}
		if by == nil {
			by = map[string]uint64{}
		}
		name := "other"
		if i > 0 {
			name = strconv.Itoa(i)
		}
		by[name] = n
	}
	return by
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

// NotePassed counts an event that an application has taken.
func (s *Source) NotePassed(at time.Time) {
	s.passed.Add(1)
	s.lastStored.Store(at.UnixNano())
}

// NoteNotTaken counts an event that was passed on to an application, which has not taken it.
func (s *Source) NoteNotTaken() { s.notTaken.Add(1) }

// Refuse counts a refusal by the code of its answer. event: the request was meant to be an event, as far as one can
// tell, and its sender may be Smartcar.
func (s *Source) Refuse(code string, at time.Time, event bool) {
	s.refused.note(at, code, event, s.taken())
}

// Refusals are the refused events that no new one that was stored, or passed on, has followed.
func (s *Source) Refusals() Refusals { return s.refused.since(s.taken()) }

// taken counts the new events that were stored, and those that were passed on, whatever the application says of them. A
// duplicate is no sign that Smartcar's events are taken: anybody may have recorded a delivery and send it again.
func (s *Source) taken() uint64 {
	return s.Stored.Load() + s.Unreadable.Load() + s.passed.Load() + s.notTaken.Load()
}

// Snapshot copies the counts.
func (s *Source) Snapshot() api.SourceCounts {
	unreadable := s.Unreadable.Load() // once: Stored must not have fewer of them
	counts := api.SourceCounts{
		Stored:     s.Stored.Load() + unreadable,
		Unreadable: unreadable,
		Duplicates: s.Duplicate.Load(),
		Differing:  s.Differs.Load(),
		Passed:     s.passed.Load(),
		NotTaken:   s.notTaken.Load(),
		Verified:   s.Verified.Load(),
		Matches:    s.matchesByToken(),
		Ages:       s.Ages.snapshot(),
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
