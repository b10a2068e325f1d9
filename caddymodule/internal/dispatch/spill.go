package dispatch

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Spilling keeps one lane's backlog from filling the read-ahead: the tails of long
// lanes are deferred, and their heads stay.

// track counts a main line event that came to a lane.
func (d *Dispatcher) track(l *lane, it *item) {
	d.hold(it, &d.held.main)
	d.inMemory++
	l.main++
	l.mainBytes += len(it.event.Body)
	if l.longAt == 0 && d.isLong(l) {
		d.long = append(d.long, l)
		l.longAt = len(d.long)
	}
}

// untrack counts an event that leaves a lane.
func (d *Dispatcher) untrack(l *lane, it *item) {
	it.release()
	if !it.main {
		return
	}
	d.inMemory--
	l.main--
	l.mainBytes -= len(it.event.Body)
	if l.longAt == 0 || d.isLong(l) {
		return
	}
	last := len(d.long) - 1
	d.long[l.longAt-1] = d.long[last]
	d.long[l.longAt-1].longAt = l.longAt
	d.long[last] = nil
	d.long = d.long[:last]
	l.longAt = 0
}

// isLong reports whether a lane has more in memory than it keeps when room is needed: its head in any case.
func (d *Dispatcher) isLong(l *lane) bool {
	return l.main > d.limits.keep || l.main > 1 && l.mainBytes > d.limits.keepBytes
}

// spillAfter is how long the handler must be short of work because there is no room. A lane
// that is answered fast makes room by itself, and spilling it would only cost.
const spillAfter = 50 * time.Millisecond

// spill makes room in the read-ahead when the handler could take more than is ready, and
// nothing can be leased because there is no room.
func (d *Dispatcher) spill(now time.Time) {
	if len(d.long) == 0 || d.hasRoom() || !d.idle() {
		d.spillAt = time.Time{}
		return
	}
	if d.spillAt.IsZero() {
		d.spillAt = now.Add(spillAfter)
	}
	if now.Before(d.spillAt) {
		return
	}
	d.spillAt = time.Time{}
	// From the end, because a lane that is no longer long leaves the list.
	for i := len(d.long) - 1; i >= 0; i-- {
		if i < len(d.long) {
			d.spillLane(d.long[i])
		}
	}
}

// spillLane defers the tail of a lane.
func (d *Dispatcher) spillLane(l *lane) {
	if l.state != laneReady && l.state != laneInFlight || l.flight.detaching {
		return // a deferral now would race with the look-up
	}
	keep := d.kept(l.queue)
	tail := l.queue[keep:]
	if len(tail) == 0 && len(l.held) == 0 {
		return
	}
	d.toDisk(l)
	for _, it := range tail {
		d.deferItem(l, it)
	}
	clear(tail)
	l.queue = l.queue[:keep]
	d.deferHeld(l)
}

// kept returns how many events of a queue stay in memory when room is needed.
func (d *Dispatcher) kept(queue []*item) (n int) {
	room := buffer.Room{Events: d.limits.keep, Bytes: d.limits.keepBytes}
	size := 0
	for _, it := range queue {
		if size += len(it.event.Body); !room.Takes(n, size) {
			break
		}
		n++
	}
	return n
}
