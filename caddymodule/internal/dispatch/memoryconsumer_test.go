package dispatch_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// memoryState is the durable part of a consumer of a memory buffer.
type memoryState struct {
	settled  map[uint64]bool
	deferred map[uint64]buffer.Outcome
	lanes    map[string][]uint64 // positions of deferred events, in order
	memos    map[string][]byte
	low      uint64
	paused   time.Time
	open     *memoryConsumer
}

type memoryConsumer struct {
	b      *memory
	name   string
	state  *memoryState
	leased map[uint64]bool
	cursor uint64
	closed bool
}

func newMemoryState() *memoryState {
	return &memoryState{
		settled: map[uint64]bool{}, deferred: map[uint64]buffer.Outcome{},
		lanes: map[string][]uint64{}, memos: map[string][]byte{},
	}
}

func (s *memoryState) put(o buffer.Outcome) {
	s.take(o.Position)
	s.deferred[o.Position] = o
	i, _ := slices.BinarySearch(s.lanes[o.Lane], o.Position)
	s.lanes[o.Lane] = slices.Insert(s.lanes[o.Lane], i, o.Position)
}

func (s *memoryState) take(position uint64) {
	o, ok := s.deferred[position]
	if !ok {
		return
	}
	delete(s.deferred, position)
	i, _ := slices.BinarySearch(s.lanes[o.Lane], position)
	if s.lanes[o.Lane] = slices.Delete(s.lanes[o.Lane], i, i+1); len(s.lanes[o.Lane]) == 0 {
		delete(s.lanes, o.Lane)
	}
}

// had reports whether the event is settled or deferred.
func (s *memoryState) had(position uint64) bool {
	_, deferred := s.deferred[position]
	return deferred || s.settled[position]
}

func (c *memoryConsumer) gone() bool { return c.closed || c.b.closed }

func (c *memoryConsumer) Lease(ctx context.Context, room buffer.Room) ([]buffer.Lease, error) {
	for {
		c.b.mu.Lock()
		if c.gone() {
			c.b.mu.Unlock()
			return nil, buffer.ErrClosed
		}
		var out []buffer.Lease
		size := 0
		for c.cursor < uint64(len(c.b.events)) {
			if c.state.had(c.cursor + 1) {
				c.cursor++
				continue
			}
			if size += len(c.b.events[c.cursor].Body); !room.Takes(len(out), size) {
				break
			}
			c.cursor++
			c.leased[c.cursor] = true
			out = append(out, buffer.Lease{Event: c.b.events[c.cursor-1]})
		}
		changed := c.b.changed
		c.b.mu.Unlock()
		if len(out) > 0 {
			return out, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *memoryConsumer) Lanes(context.Context) iter.Seq2[buffer.Lane, error] {
	c.b.mu.Lock()
	var heads []buffer.Lane
	for _, name := range slices.Sorted(maps.Keys(c.state.lanes)) {
		first := c.state.lanes[name][0]
		heads = append(heads, buffer.Lane{Name: name, Position: first, Retry: c.state.deferred[first].Retry})
	}
	c.b.mu.Unlock()
	return func(yield func(buffer.Lane, error) bool) {
		for _, l := range heads {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func (c *memoryConsumer) LeaseDeferred(_ context.Context, lane string, room buffer.Room) ([]buffer.Lease, error) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.gone() {
		return nil, buffer.ErrClosed
	}
	var out []buffer.Lease
	size := 0
	for _, pos := range c.state.lanes[lane] {
		if c.leased[pos] {
			continue
		}
		if size += len(c.b.events[pos-1].Body); !room.Takes(len(out), size) {
			break
		}
		c.leased[pos] = true
		out = append(out, buffer.Lease{Event: c.b.events[pos-1], Retry: c.state.deferred[pos].Retry})
	}
	return out, nil
}

func (c *memoryConsumer) Settle(ctx context.Context, outcomes ...buffer.Outcome) error {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.gone() {
		return buffer.ErrClosed
	}
	for _, o := range outcomes {
		switch {
		case o.Verb == buffer.Reopen:
			c.reopen(o)
		case o.Verb == buffer.PutMemo:
		case !c.leased[o.Position]:
			continue
		default:
			c.end(o)
		}
		if o.Memo != nil && o.Memo.Value == nil {
			delete(c.state.memos, o.Memo.Key)
		} else if o.Memo != nil {
			c.state.memos[o.Memo.Key] = slices.Clone(o.Memo.Value)
		}
	}
	return nil
}

func (c *memoryConsumer) end(o buffer.Outcome) {
	delete(c.leased, o.Position)
	c.state.take(o.Position)
	switch o.Verb {
	case buffer.Defer:
		c.state.put(o)
		return
	case buffer.Dead:
		c.b.dies(buffer.DeadLetter{
			Handler: c.name, Reason: o.Reason, HandlerReason: o.HandlerReason, Retry: o.Retry, Event: c.b.events[o.Position-1],
		})
	}
	c.state.settled[o.Position] = true
}

func (c *memoryConsumer) reopen(o buffer.Outcome) {
	if !c.state.settled[o.Position] {
		return
	}
	if o.Letter != "" {
		i := c.b.letter(o.Letter)
		if i < 0 {
			return
		}
		c.b.dead = slices.Delete(c.b.dead, i, i+1)
	}
	delete(c.state.settled, o.Position)
	c.state.put(o)
}

func (c *memoryConsumer) Memo(_ context.Context, key string) ([]byte, error) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return slices.Clone(c.state.memos[key]), nil
}

func (c *memoryConsumer) Memos(_ context.Context, prefix string) iter.Seq2[buffer.Memo, error] {
	c.b.mu.Lock()
	memos := maps.Clone(c.state.memos)
	c.b.mu.Unlock()
	return func(yield func(buffer.Memo, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(memos)) {
			if strings.HasPrefix(key, prefix) && !yield(buffer.Memo{Key: key, Value: memos[key]}, nil) {
				return
			}
		}
	}
}

func (c *memoryConsumer) Stats() buffer.ConsumerStats {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	last := uint64(len(c.b.events))
	for c.state.low < last && c.state.had(c.state.low+1) {
		c.state.low++
	}
	seen := max(c.cursor, c.state.low)
	return buffer.ConsumerStats{
		Position: c.state.low,
		Seen:     seen,
		Pending:  last - c.cursor,
		Leased:   len(c.leased),
		Deferred: uint64(len(c.state.deferred)),
	}
}

func (c *memoryConsumer) Close() error {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.state.open = nil
		c.b.wake()
	}
	return nil
}
