package lossclock

import (
	"fmt"
	"sync"
	"time"
)

const (
	// mostDowntime is the longest that is believed; a clock that says more may be wrong.
	mostDowntime = 30 * 24 * time.Hour
	// tolerance is how far the wall clock may move against the monotonic one and still be believed.
	tolerance = time.Minute
	// settleTime is how long after the start the wall clock may yet be found wrong. A machine without a battery learns
	// the time from the network.
	settleTime = time.Hour
)

// Downtime is the time without receiving before this process: from the last moment at which events could be taken, by
// a note beside them, to the first at which they can again. A reload has none.
//
// What Smartcar sent then is not known. So as long as events cannot be taken, Loss.Left runs as if a delivery had been
// refused at that last moment; when it has run out, Lost grows: that is the part of the time whose deliveries, if there
// were any, had their last attempt before events could be taken again. Once they can, this clock is off, since nothing
// more is lost by the downtime: whatever was first tried in the rest of it comes again, and is stored then.
//
// If events are refused again soon after, such a delivery may be among them, and its first attempt was earlier than it
// seems: for so long Left is that of the earliest that it can have been. What comes of it is counted as of any other.
type Downtime struct {
	// Known: there was a time before this process, and it is known how long it was.
	Known bool
	// Unknown is why it is not known, "" where it is or nothing was ever received.
	Unknown string
	// Since is by the note; Until is when events could be taken again, zero while they cannot.
	Since, Until time.Time
	// Lasted is how long it was, or has been; Lost is the part of it of which deliveries are lost.
	Lasted, Lost time.Duration
}

type downtime struct {
	mu sync.Mutex
	// known: since says when events could last be taken; it may be before 0.
	known bool
	since time.Duration
	// unknown is why it does not.
	unknown string
	// note is what since comes of; wall and at are the two clocks when it was read.
	note, wall time.Time
	at         time.Duration
	// over: events can be taken, since then. settled: the wall clock was right.
	over, settled bool
	until         time.Duration
}

// LastAlive says when events could last be taken before this process, by the wall clock; the zero time: never. With an
// error that is not known. It may be called before each attempt to open the buffer, and changes nothing after Alive.
func (c *Clock) LastAlive(note time.Time, err error) {
	d := &c.down
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over || d.known && (err != nil || !note.After(d.note)) {
		return
	}
	switch {
	case err != nil:
		d.unknown = err.Error()
		return
	case note.IsZero():
		return
	}
	wall := c.wall().Round(0)
	d.note, d.wall, d.at = note, wall, c.elapsed()
	absence := wall.Sub(note.Round(0))
	switch {
	case absence < 0:
		d.distrust("the system's clock is behind what it was when events were last taken")
	case absence > mostDowntime:
		d.distrust(fmt.Sprintf("by the system's clock it is more than %d days, which is not believed",
			mostDowntime/(24*time.Hour)))
	default:
		d.known, d.unknown, d.since = true, "", d.at-absence
	}
}

// Alive says that events can be taken. The first call ends the downtime.
func (c *Clock) Alive() {
	d := &c.down
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.over, d.until = true, c.elapsed()
	}
}

// Downtime returns what is known of it.
func (c *Clock) Downtime() Downtime {
	d := &c.down
	d.mu.Lock()
	defer d.mu.Unlock()
	now := c.elapsed()
	d.checkWall(c.wall().Round(0), now)
	v := Downtime{Known: d.known, Unknown: d.unknown}
	if !d.known {
		return v
	}
	until := now
	if d.over {
		until, v.Until = d.until, c.when(d.until, now)
	}
	v.Since = d.note
	v.Lasted = until - d.since
	v.Lost = max(0, v.Lasted-Window)
	return v
}

// checkWall finds out whether the wall clock was right when the note was read.
func (d *downtime) checkWall(wall time.Time, now time.Duration) {
	if !d.known || d.settled {
		return
	}
	moved := wall.Sub(d.wall) - (now - d.at)
	if moved > tolerance || moved < -tolerance {
		d.distrust("the system's clock was set after the start")
		return
	}
	d.settled = now-d.at >= settleTime
}

func (d *downtime) distrust(why string) { d.known, d.unknown = false, why }

// left is until Smartcar may give up what it sent first in the downtime; Window when that is over or was not.
func (d *downtime) left(now time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.known || d.over {
		return Window
	}
	return max(0, d.since+Window-now)
}

// due is when Smartcar may give up a delivery that this process first refused then.
func (d *downtime) due(refused time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.known || d.over && refused >= d.until+Window {
		return refused + Window
	}
	// It may have been tried before, at the earliest when the downtime began, and this was its last attempt at the
	// latest.
	return max(d.since+Window, refused)
}
