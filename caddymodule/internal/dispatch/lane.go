package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// item is a leased event on its way.
type item struct {
	event buffer.Event
	retry buffer.Retry
	// unwanted: to be skipped, by When or Wants; unmatched: by When.
	unwanted, unmatched bool
	// main: leased from the main line, so it counts against the read-ahead.
	main bool
	// share is where its body is counted, nil where it is not.
	share *int
}

func (it *item) position() uint64 { return it.event.Position }

// laneState is the state of a lane; see the package comment.
type laneState int

const (
	// laneReady: the queue's head can be delivered; the lane is in a ready list.
	laneReady laneState = iota + 1
	// laneInFlight: the queue's head is with the handler.
	laneInFlight
	// laneWaiting: on disk, in the heap until due.
	laneWaiting
	// laneBlocked: on disk, until the main line is read up to its first deferred event.
	laneBlocked
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
	// onDisk reports whether the lane has deferred events, as far as is known.
	onDisk bool
	// alone: the lane of a single event, of which no other can come.
	alone bool
	// queue holds leased events in order, to be delivered before what is on disk.
	queue []*item
	// held are main line events, later than all on disk.
	held []*item
	// first, of a lane on disk: no deferred event beyond the queue has a lower position.
	first uint64
	// high is the highest position deferred since the lane went to disk.
	high uint64
	// deferred is the outbox sequence of the lane's last deferral or reopening, mustSee
	// that of the last one which was not higher than all before: what a look-up finds is
	// in order only if it sees that one.
	deferred, mustSee uint64
	// looked is the outbox sequence up to which the look-up under way sees all.
	looked uint64
	// chunk is how many events the next look-up asks for.
	chunk int
	// due is when a waiting lane goes on, heapAt its place in the heap.
	due    time.Time
	heapAt int
	// dueOf is the position of the event that due is about, waitedFor that of the one that the lane has waited for: it
	// is due, whatever the wall clock says now.
	dueOf, waitedFor uint64
	// active: it counts against the bound of lanes that are looked up or delivered.
	active bool
	// listed: it is in the list of blocked lanes.
	listed bool
	// main counts main line events in queue and held, mainBytes their bodies; longAt is the
	// lane's place in the list of long ones, plus one.
	main, mainBytes, longAt int
	// reserved are the bytes that a look-up is counted for until it is here.
	reserved int
	// flight is what is known of the head that is with the handler.
	flight flight
}

const (
	// maxChunk bounds the events that one look-up of a deferred lane leases.
	maxChunk = 16
	// maxHeld bounds the main line events that an active lane on disk keeps in memory,
	// because its disk may be empty soon.
	maxHeld = 16
)

// holds reports whether a main line event that arrives now, later than all on disk, may stay
// in memory.
func (l *lane) holds() bool {
	switch {
	case l.state == laneSettling || l.state == laneFetching || l.flight.detaching:
		// A deferral now would race with the look-up.
		return true
	case l.state == laneReady || l.state == laneInFlight && !l.flight.detached:
		return len(l.held) < maxHeld
	default:
		return false
	}
}

// behind reports whether an earlier event of the lane than the queue's head is on disk, or
// may still come from the main line, which was read up to seen.
func (l *lane) behind(seen uint64) bool {
	head := l.queue[0]
	return l.onDisk && head.position() >= l.first || !head.main && head.position() > seen+1
}

// insert puts an event into the queue by its position.
func (l *lane) insert(it *item) {
	i, _ := slices.BinarySearchFunc(l.queue, it.position(), func(other *item, position uint64) int {
		return cmp.Compare(other.position(), position)
	})
	l.queue = slices.Insert(l.queue, i, it)
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

func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapAt, h[j].heapAt = i, j
}

// Push is for container/heap.
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.heapAt = len(*h)
	*h = append(*h, l)
}

// Pop is for container/heap.
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return l
}
