package dispatch

import (
	"container/heap"
	"context"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Reopening is a settled event that is to be delivered again.
type Reopening struct {
	// Event needs no body: Position and what names its lane.
	Event *buffer.Event
	// Letter is the dead letter that the event comes from, "" when it is a settled
	// event. It goes in the same step.
	Letter buffer.DeadLetterID
	// Replay is the id of the replay, not empty.
	Replay string
}

// reopening is a request of Reopen.
type reopening struct {
	ctx   context.Context
	items []Reopening
	memo  *buffer.Memo
	done  chan error
	// put is the outbox sequence of its last outcome.
	put uint64
}

// Reopen puts settled events back, as deferred events of their lanes with no attempts,
// and stores memo, if not nil, in the same step. It returns when that is durable. The
// events are delivered in the lane's order, before later ones of it that did not begin
// yet. One that is open anyway, or that the buffer no longer has, is skipped. It waits
// while too many lanes are on disk. ErrStopped after Stop; it may have been done
// all the same, or not, and so may it when ctx ends first.
func (d *Dispatcher) Reopen(ctx context.Context, items []Reopening, memo *buffer.Memo) error {
	r := &reopening{ctx: ctx, items: items, memo: memo, done: make(chan error, 1)}
	if err := d.do(ctx, func() { d.reopenings = append(d.reopenings, r) }); err != nil {
		return err
	}
	return d.await(ctx, r.done)
}

// reopen begins what callers of Reopen asked for, when there is room.
func (d *Dispatcher) reopen() {
	for len(d.reopenings) > 0 && d.loaded && d.storeWorks() && d.roomForOutcomes() && d.onDisk < d.limits.lanes {
		r := d.reopenings[0]
		d.reopenings[0] = nil
		d.reopenings = d.reopenings[1:]
		if r.ctx.Err() != nil {
			continue // the caller has given up
		}
		for i := range r.items {
			r.put = d.reopenOne(&r.items[i])
		}
		if r.memo != nil {
			r.put = d.submit(buffer.Outcome{Verb: buffer.PutMemo, Memo: r.memo})
		}
		d.reopened = append(d.reopened, r)
	}
	d.answerReopened()
}

// reopenOne submits one event's outcome and tells its lane.
func (d *Dispatcher) reopenOne(r *Reopening) uint64 {
	position := r.Event.Position
	name := laneName(r.Event)
	if d.cfg.Order == OrderNone {
		name = eventLane(position)
	}
	put := d.submit(buffer.Outcome{
		Position: position, Verb: buffer.Reopen, Lane: name, Letter: r.Letter, Retry: buffer.Retry{Replay: r.Replay},
	})
	l := d.lanes[name]
	if l == nil {
		l = &lane{name: name}
		d.lanes[name] = l
		d.toDisk(l)
		l.first = position
		l.noteDeferral(position, put)
		d.wait(l, time.Time{}, 0)
		return put
	}
	d.toDisk(l)
	l.noteDeferral(position, put)
	l.flight.reopened++
	if position >= l.first {
		return put
	}
	l.first = position
	if l.state == laneWaiting {
		// Its head waits for a retry, or had nothing to wait for; this one comes before.
		heap.Remove(&d.waiting, l.heapAt)
		d.wait(l, time.Time{}, 0)
	}
	return put
}

// answerReopened answers the callers whose outcomes are durable.
func (d *Dispatcher) answerReopened() {
	for len(d.reopened) > 0 && d.reopened[0].put <= d.outbox.durable {
		d.reopened[0].done <- nil
		d.reopened[0] = nil
		d.reopened = d.reopened[1:]
	}
}
