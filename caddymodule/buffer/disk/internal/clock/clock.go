// Package clock is the time by which the buffer decides what is old.
//
// The wall clock may jump: a machine boots without a battery, somebody sets it, a virtual machine wakes. What is
// deleted because of its age cannot be had back, so no deletion may hang on one look at it. This clock stamps what is
// stored, and never goes back. It follows the wall clock as long as that moves as fast as the monotonic clock of the
// process. When the two part by more than ten minutes, the stamps go on at the pace of the monotonic clock, and nothing
// is deleted by age until the wall clock was steady for SteadyFor.
//
// Then the stamps take over what the wall clock says, and what they skip becomes a gap. A gap is time of which nobody
// knows that it passed, and counts for no age: so a record is as old as the time that has passed while the buffer was
// open since the record was written, and some seconds for each restart. The time in which the buffer was closed is a
// gap, too.
package clock

import (
	"sync"
	"time"
)

const (
	// tolerance is how far the wall clock may be from where it should be. It also bounds by how much a restart makes
	// a record older than the time in which the buffer was open.
	tolerance = time.Minute
	// SteadyFor is how long the wall clock must be steady after a jump before the stamps follow it again.
	SteadyFor = time.Hour
	// smallJump is taken over at once: a correction of some minutes is nothing that an operator must look at.
	smallJump = 10 * time.Minute
	// maxAbsence is how long the buffer may have been closed for the wall clock to be believed at a start.
	maxAbsence = 30 * 24 * time.Hour
	// maxSlew is how far the stamps may be ahead of the wall clock and still wait for it, by going at half its pace.
	maxSlew = 24 * time.Hour
)

// Clock is safe for concurrent use.
type Clock struct {
	wall    func() time.Time
	elapsed func() time.Duration

	mu sync.Mutex
	// now is the last stamp, and at what elapsed was then.
	now int64
	at  time.Duration
	// ahead is how far the stamps may be ahead of the wall clock, since they never go back.
	ahead int64
	jump  jump
	gaps  gaps
	// fresh: the store does not have the newest gap yet.
	fresh bool
}

// jump is a difference between the wall clock and the stamps that is not explained.
type jump struct {
	by    int64
	since time.Duration
	// on reports whether there is one.
	on bool
}

// New returns a clock that goes on from what a store knows. wall is the time, default time.Now. elapsed is the time
// that has passed since some moment and never jumps; default that of the process's monotonic clock, or that of wall if
// it is given.
func New(wall func() time.Time, elapsed func() time.Duration, s State) *Clock {
	if elapsed == nil {
		begun := time.Now
		if wall != nil {
			begun = wall
		}
		start := begun()
		elapsed = func() time.Duration { return begun().Sub(start) }
	}
	if wall == nil {
		wall = time.Now
	}
	c := &Clock{wall: wall, elapsed: elapsed, now: s.Last, gaps: s.Gaps, at: elapsed()}
	at := wall().UnixNano()
	absence := at - s.Last
	switch {
	case s.Last == 0:
		c.now = at
	case absence > int64(tolerance) && absence <= int64(maxAbsence):
		c.skipTo(at)
	}
	c.follow(false)
	return c
}

// Now is the present stamp, in nanoseconds since 1970.
func (c *Clock) Now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(false)
	return c.now
}

// Next is a stamp that nothing has yet, and nothing earlier will have.
func (c *Clock) Next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(false)
	c.now++
	return c.now
}

// Elapsed is the time that has passed since some moment. It never jumps.
func (c *Clock) Elapsed() time.Duration { return c.elapsed() }

// Wall is what the wall clock says, for people.
func (c *Clock) Wall() time.Time { return c.wall() }

// Tick is Now for the one who writes the store. It may skip to the wall clock; then, and until Stored is called, state
// is what must be stored with, or before, the first record that has the stamp.
func (c *Clock) Tick() (now int64, state State, store bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(true)
	return c.now, State{Last: c.now, Gaps: c.gaps}, c.fresh
}

// Stored says that the state of the last Tick is on its way into the store.
func (c *Clock) Stored() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh = false
}

// State is what the store should know when it is closed.
func (c *Clock) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(false)
	return State{Last: c.now, Gaps: c.gaps}
}

// Ago is the stamp of a time ago: what has an earlier stamp is older. While the wall clock is not believed, it is
// before all stamps, so that nothing is old.
func (c *Clock) Ago(d time.Duration) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(false)
	if c.jump.on {
		return 0
	}
	return c.gaps.ago(c.now, d)
}

// Left is how much of a time is left for what has a stamp; 0 when it is older.
func (c *Clock) Left(stamp int64, d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(false)
	return max(0, d-c.gaps.passed(stamp, c.now))
}

// Due is the stamp at which a time has passed since another stamp, as far as is known now.
func (c *Clock) Due(stamp int64, d time.Duration) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(false)
	return stamp + int64(d) + (c.now - stamp - int64(c.gaps.passed(stamp, c.now)))
}

// Jump is a jump of the wall clock that is not settled yet.
type Jump struct {
	// By is how far the wall clock is ahead of where it should be; behind when it is negative. Zero: there is no jump.
	By time.Duration
	// Left is for how long the wall clock must still be steady.
	Left time.Duration
}

// Jump returns the present jump.
func (c *Clock) Jump() Jump {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(false)
	if !c.jump.on {
		return Jump{}
	}
	return Jump{By: time.Duration(c.jump.by), Left: max(0, SteadyFor-(c.at-c.jump.since))}
}

// follow moves the stamp on. Only with skip may it take over a jump.
func (c *Clock) follow(skip bool) {
	elapsed := c.elapsed()
	passed := int64(max(0, elapsed-c.at))
	c.at = max(c.at, elapsed)
	c.now += passed
	wall := c.wall().UnixNano()
	if near(wall, c.now) {
		// Never back: a wall clock that is a little behind has the stamps wait.
		c.now, c.ahead, c.jump = max(c.now-passed, wall), 0, jump{}
		return
	}
	if near(wall+c.ahead, c.now) {
		c.jump = jump{}
		if c.ahead > 0 && c.ahead <= int64(maxSlew) {
			c.now -= passed / 2
			c.ahead -= passed / 2
		}
		return
	}
	by := wall - c.now
	if !c.jump.on || !near(by, c.jump.by) {
		c.jump = jump{by: by, since: c.at, on: true}
	}
	small := by <= int64(smallJump) && by >= -int64(smallJump)
	if !skip || !small && c.at-c.jump.since < SteadyFor {
		return
	}
	c.jump = jump{}
	if by < 0 {
		c.ahead = -by
		return
	}
	c.ahead = 0
	c.skipTo(wall)
}

// skipTo moves the stamp to a later time of which nobody knows that it was reached.
func (c *Clock) skipTo(at int64) {
	c.gaps = c.gaps.with(gap{From: c.now, To: at})
	c.now = at
	c.fresh = true
}

func near(a, b int64) bool {
	return a-b <= int64(tolerance) && b-a <= int64(tolerance)
}
