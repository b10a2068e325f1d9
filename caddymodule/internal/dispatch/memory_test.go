package dispatch_test

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// memory is a buffer.Buffer that keeps its promises as long as the process lives: a
// consumer that is closed and opened again sees what a restart would see.
type memory struct {
	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at every change
	events    []buffer.Event
	consumers map[string]*memoryState
	dead      []buffer.DeadLetter
	closed    bool
}

// memoryState is the durable part of a consumer.
type memoryState struct {
	settled  map[uint64]bool
	deferred map[uint64]buffer.Outcome
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

func newMemory() *memory {
	return &memory{changed: make(chan struct{}), consumers: map[string]*memoryState{}}
}

func (b *memory) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *memory) Append(_ context.Context, e *buffer.Event) (buffer.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return buffer.Receipt{}, buffer.ErrClosed
	}
	stored := *e
	stored.Position = uint64(len(b.events)) + 1
	stored.Body = slices.Clone(e.Body)
	b.events = append(b.events, stored)
	b.wake()
	return buffer.Receipt{Position: stored.Position}, nil
}

// CreateConsumers lets every consumer start with the oldest event: dispatch does not
// depend on where one starts.
func (b *memory) CreateConsumers(_ context.Context, names ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return buffer.ErrClosed
	}
	for _, name := range names {
		if b.consumers[name] == nil {
			b.consumers[name] = &memoryState{settled: map[uint64]bool{}, deferred: map[uint64]buffer.Outcome{}}
		}
	}
	return nil
}

func (b *memory) Consumer(ctx context.Context, name string) (buffer.Consumer, error) {
	if err := b.CreateConsumers(ctx, name); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.consumers[name]
	if s.open != nil {
		panic("consumer " + name + " is open twice")
	}
	s.open = &memoryConsumer{b: b, name: name, state: s, leased: map[uint64]bool{}}
	return s.open, nil
}

func (b *memory) DeadLetters(context.Context) iter.Seq2[buffer.DeadLetter, error] {
	b.mu.Lock()
	dead := slices.Clone(b.dead)
	b.mu.Unlock()
	return func(yield func(buffer.DeadLetter, error) bool) {
		for _, d := range dead {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (b *memory) Stats() buffer.Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return buffer.Stats{Last: uint64(len(b.events)), DeadLetters: uint64(len(b.dead))}
}

func (b *memory) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.wake()
	}
	return nil
}

func (c *memoryConsumer) gone() bool { return c.closed || c.b.closed }

func (c *memoryConsumer) Lease(ctx context.Context, limit int) ([]buffer.Lease, error) {
	for {
		c.b.mu.Lock()
		if c.gone() {
			c.b.mu.Unlock()
			return nil, buffer.ErrClosed
		}
		var out []buffer.Lease
		for c.cursor < uint64(len(c.b.events)) && len(out) < limit {
			c.cursor++
			if _, deferred := c.state.deferred[c.cursor]; deferred || c.state.settled[c.cursor] {
				continue
			}
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
	heads := map[string]buffer.Lane{}
	for pos, o := range c.state.deferred {
		if head, ok := heads[o.Lane]; !ok || pos < head.Position {
			heads[o.Lane] = buffer.Lane{Name: o.Lane, Position: pos, Retry: o.Retry}
		}
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

func (c *memoryConsumer) LeaseDeferred(_ context.Context, lane string, limit int) ([]buffer.Lease, error) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.gone() {
		return nil, buffer.ErrClosed
	}
	var out []buffer.Lease
	for pos, o := range c.state.deferred {
		if o.Lane == lane && !c.leased[pos] {
			out = append(out, buffer.Lease{Event: c.b.events[pos-1], Retry: o.Retry})
		}
	}
	slices.SortFunc(out, func(a, b buffer.Lease) int { return cmp.Compare(a.Event.Position, b.Event.Position) })
	out = out[:min(limit, len(out))]
	for _, l := range out {
		c.leased[l.Event.Position] = true
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
		if !c.leased[o.Position] {
			continue
		}
		delete(c.leased, o.Position)
		delete(c.state.deferred, o.Position)
		switch o.Verb {
		case buffer.Defer:
			c.state.deferred[o.Position] = o
			continue
		case buffer.Dead:
			c.b.dead = append(c.b.dead, buffer.DeadLetter{
				Handler: c.name, Reason: o.Reason, Code: o.Code, Retry: o.Retry, Event: c.b.events[o.Position-1],
			})
		}
		c.state.settled[o.Position] = true
	}
	return nil
}

func (c *memoryConsumer) Stats() buffer.ConsumerStats {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return buffer.ConsumerStats{
		Pending:  uint64(len(c.b.events)) - c.cursor,
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
