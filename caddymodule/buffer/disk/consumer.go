package disk

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// consumerState is what the buffer knows of a consumer, open or not.
type consumerState struct {
	name string
	// changed wakes Lease: there is a new event, or room in the window, or an end.
	changed broadcast

	mu       sync.Mutex
	progress format.Progress
	// cursor is the next position that Lease looks at.
	cursor uint64
	leased map[uint64]lease
	// settling counts tasks that are on their way to the committer.
	settling int
	// staged says of the positions in the committer's group whether they end up deferred.
	staged map[uint64]bool
	// hints are where look-ups of deferred events start.
	hints seekHints
	// lifecycle is what people have decided about the consumer.
	lifecycle format.Lifecycle
	// forgotten: the consumer was removed, and this state is nobody's.
	forgotten bool
	// handle is the open Consumer, if any.
	handle *Consumer
	// touched is set while the state is in the committer's group; only the committer uses it.
	touched bool
}

// lease is an event that was handed out.
type lease struct {
	// deferred events have entries of their own, under lane.
	deferred bool
	lane     string
	// copied is the size of the consumer's own copy of the event, 0 if there is none.
	copied int
	// settling: its outcome is on the way to the disk.
	settling bool
}

// Consumer is an open consumer. It implements buffer.Consumer.
type Consumer struct {
	b  *Buffer
	st *consumerState
	// turn is held by the one Lease call that reads.
	turn   chan struct{}
	closed chan struct{}
	once   sync.Once
}

// errConsumerOpen: the contract allows one open consumer of a name.
var errConsumerOpen = errors.New("a consumer of this name is open already")

// Consumer implements buffer.Buffer.
func (b *Buffer) Consumer(ctx context.Context, name string) (buffer.Consumer, error) {
	for {
		if err := b.CreateConsumers(ctx, buffer.ConsumerSpec{Name: name}); err != nil {
			return nil, fmt.Errorf("opening consumer %q: %w", name, err)
		}
		c, err := b.openConsumer(name)
		if err != nil {
			return nil, fmt.Errorf("opening consumer %q: %w", name, err)
		}
		// nil if it was forgotten in between.
		if c != nil {
			return c, nil
		}
	}
}

func (b *Buffer) openConsumer(name string) (*Consumer, error) {
	b.consumersMu.Lock()
	st := b.consumers[name]
	b.consumersMu.Unlock()
	if st == nil {
		return nil, nil
	}
	c := &Consumer{b: b, st: st, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.forgotten {
		return nil, nil
	}
	if st.handle != nil {
		return nil, errConsumerOpen
	}
	st.handle = c
	st.cursor = st.progress.Low + 1
	return c, nil
}

func newConsumerState(name string, p *format.Progress) *consumerState {
	return &consumerState{
		name: name, progress: *p, cursor: p.Low + 1,
		leased: map[uint64]lease{}, staged: map[uint64]bool{}, hints: newSeekHints(),
	}
}

func (b *Buffer) allConsumers() []*consumerState {
	b.consumersMu.Lock()
	defer b.consumersMu.Unlock()
	all := make([]*consumerState, 0, len(b.consumers))
	for _, st := range b.consumers {
		all = append(all, st)
	}
	return all
}

// loadConsumers reads the progress of every consumer that the store knows.
func (b *Buffer) loadConsumers() error {
	it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: []byte{format.KindConsumer}, UpperBound: []byte{format.KindConsumer + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		name := string(it.Key()[1:])
		p, err := format.ParseProgress(it.Value())
		if err != nil {
			// To deliver again what is stored is better than to lose one event.
			low := b.first.Load() - 1
			p = &format.Progress{Low: low, High: low}
			b.log.Error("buffer: a consumer's progress is damaged, it starts again with the oldest stored event", "consumer", name)
		}
		p.SkipTo(b.first.Load() - 1)
		st := newConsumerState(name, p)
		if st.lifecycle, err = b.loadLifecycle(name); err != nil {
			return err
		}
		b.consumers[name] = st
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("reading the consumers: %w", err)
	}
	return nil
}

// touch has the state's progress written with this group.
func (g *group) touch(st *consumerState) {
	if !st.touched {
		st.touched = true
		g.touched = append(g.touched, st)
	}
}

func (st *consumerState) stageProgress(batch *pebble.Batch) {
	st.touched = false
	st.mu.Lock()
	defer st.mu.Unlock()
	clear(st.staged)
	if st.forgotten {
		return
	}
	_ = batch.Set(format.ConsumerKey(st.name), st.progress.Append(nil), nil)
}

// usable returns why the consumer can do nothing, nil if it can.
func (c *Consumer) usable() error {
	select {
	case <-c.closed:
		return buffer.ErrClosed
	case <-c.b.closing:
		return buffer.ErrClosed
	default:
		return c.b.failure.Err()
	}
}

// Stats implements buffer.Consumer.
func (c *Consumer) Stats() buffer.ConsumerStats {
	return c.st.stats(c.b.durable.Load())
}

func (st *consumerState) stats(durable uint64) buffer.ConsumerStats {
	st.mu.Lock()
	defer st.mu.Unlock()
	// A consumer that is not open starts again behind its position.
	cursor := st.progress.Low + 1
	if st.handle != nil {
		cursor = max(cursor, st.cursor)
	}
	s := buffer.ConsumerStats{
		Position: st.progress.Low,
		Seen:     st.progress.Run(cursor - 1),
		Leased:   len(st.leased),
		Deferred: st.progress.Deferred,
	}
	if durable >= cursor {
		s.Pending = durable - cursor + 1
		s.Pending -= min(s.Pending, st.progress.MarkedFrom(cursor))
	}
	return s
}

// Close implements buffer.Consumer. What is being settled is settled all the same.
func (c *Consumer) Close() error {
	c.once.Do(func() {
		st := c.st
		st.mu.Lock()
		defer st.mu.Unlock()
		close(c.closed)
		for position, l := range st.leased {
			if !l.settling {
				delete(st.leased, position)
			}
		}
		if st.handle == c {
			st.handle = nil
		}
	})
	return nil
}

// giveBack takes leases back that never reached the caller.
func (c *Consumer) giveBack(leases []buffer.Lease) {
	c.st.mu.Lock()
	defer c.st.mu.Unlock()
	for _, l := range leases {
		delete(c.st.leased, l.Event.Position)
	}
}
