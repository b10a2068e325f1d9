package dispatch

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// item is a leased event on its way.
type item struct {
	event buffer.Event
	retry buffer.Retry
	// unwanted: to be skipped, by When or Wants.
	unwanted bool
	// main: leased from the main line, so it counts against the read-ahead.
	main bool
}

// laneState is where a lane stands; see the package comment.
type laneState int

const (
	// laneReady: the queue's head can be delivered; the lane is in the ready list.
	laneReady laneState = iota + 1
	// laneFlying: the queue's head is with the handler.
	laneFlying
	// laneWaiting: on disk, in the heap until due.
	laneWaiting
	// laneDue: on disk, waits for its turn to be looked up.
	laneDue
	// laneSettling: on disk, its deferrals must become durable before the look-up.
	laneSettling
	// laneFetching: on disk, a look-up is under way.
	laneFetching
)

// lane is the sequence of events that wait for each other.
type lane struct {
	name  string
	state laneState
	// onDisk: events of this lane were deferred and come before all others.
	onDisk bool
	// alone: the lane of a single event, of which no other can come.
	alone bool
	// queue holds leased events, in order; of an onDisk lane, deferred ones.
	queue []*item
	// held are main line events of an onDisk lane, later than all deferred ones.
	held []*item
	// deferred is the outbox sequence of the lane's last deferral.
	deferred uint64
	// chunk is how many events the next look-up asks for.
	chunk int
	// due is when a waiting lane goes on.
	due time.Time
}

const (
	// maxChunk bounds the events that one look-up of a deferred lane leases.
	maxChunk = 16
	// maxHeld bounds the main line events that an active lane on disk keeps in memory
	// in the hope to be off the disk soon.
	maxHeld = 16
)

// holds says whether a main line event that arrives now may stay in memory.
func (l *lane) holds() bool {
	switch l.state {
	case laneSettling, laneFetching:
		// A deferral now would race with the look-up.
		return true
	case laneReady, laneFlying:
		return len(l.held) < maxHeld
	default:
		return false
	}
}

// laneQueue is a first-in first-out queue of lanes.
type laneQueue struct {
	lanes []*lane
	head  int
}

func (q *laneQueue) len() int { return len(q.lanes) - q.head }

func (q *laneQueue) push(l *lane) {
	if q.head > 64 && q.head > len(q.lanes)/2 {
		n := copy(q.lanes, q.lanes[q.head:])
		clear(q.lanes[n:])
		q.lanes, q.head = q.lanes[:n], 0
	}
	q.lanes = append(q.lanes, l)
}

func (q *laneQueue) pop() *lane {
	l := q.lanes[q.head]
	q.lanes[q.head] = nil
	q.head++
	return l
}

// laneHeap orders waiting lanes by due time; it is for container/heap.
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h laneHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *laneHeap) Push(x any) { *h = append(*h, x.(*lane)) }

// Pop is for container/heap.
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return l
}
