// Package lossclock tells until when events must be received again so that none is lost, and what is lost already.
//
// Smartcar tries a delivery again 25, 75 and 175 s after its first attempt failed, and then never more. A delivery with
// a right signature that was not stored is pending: by source and event id, since it was first refused. It leaves when
// the same id is stored, or found to be stored. It is lost when it is refused once more at the end of that time, or has
// not come again a minute after it: the last attempt may come so much later.
//
// What a delivery was in the time before this process could take events is not known, only how long that was: see
// Downtime. Requests without a right signature are counted apart, since nothing vouches for them.
//
// All times are those of the monotonic clock, whatever the wall clock does. A machine that sleeps stops it.
package lossclock

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Window is how long after its first failed attempt Smartcar tries a delivery for the last time.
	Window = 175 * time.Second
	// late is by how much the last attempt may come later: a wait counts from the end of the attempt before it, and
	// each of the four may take 15 s.
	late = time.Minute
	// mostIDs is how many deliveries are kept by id, of all sources together; some 15 MB.
	mostIDs = 100_000
	// recently is how long after the last loss the losses before it are still told as one.
	recently = 24 * time.Hour
)

// Clock has the deliveries of all sources. It is safe for concurrent use.
type Clock struct {
	wall    func() time.Time
	elapsed func() time.Duration
	seed    maphash.Seed
	// kept counts the ids of all sources.
	kept atomic.Int64
	down downtime

	mu      sync.Mutex
	sources map[string]*Source
}

// New returns a clock. wall is the time, default time.Now; elapsed is the time since some moment, and never jumps,
// default by the process's monotonic clock.
func New(wall func() time.Time, elapsed func() time.Duration) *Clock {
	if wall == nil {
		wall = time.Now
	}
	if elapsed == nil {
		start := time.Now()
		elapsed = func() time.Duration { return time.Since(start) }
	}
	return &Clock{wall: wall, elapsed: elapsed, seed: maphash.MakeSeed(), sources: map[string]*Source{}}
}

// Source returns the deliveries of a source, which stay the same for the life of c.
func (c *Clock) Source(name string) *Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.sources[name]
	if !ok {
		s = &Source{clock: c, byID: map[uint64]*delivery{}}
		c.sources[name] = s
	}
	return s
}

// when is a moment of the monotonic clock as the wall clock has it now, for people.
func (c *Clock) when(at, now time.Duration) time.Time {
	return c.wall().Add(at - now).Round(time.Millisecond)
}
