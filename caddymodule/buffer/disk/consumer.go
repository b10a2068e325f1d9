package disk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// consumerState is what the buffer knows of a consumer, open or not.
type consumerState struct {
	name string
	// changed wakes Lease: there is a new event, or room in the window, or an end.
	changed broadcast

	mu       sync.Mutex
	progress progress
	// cursor is the next position that Lease looks at.
	cursor uint64
	leased map[uint64]lease
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
	if err := b.CreateConsumers(ctx, name); err != nil {
		return nil, fmt.Errorf("opening consumer %q: %w", name, err)
	}
	b.consumersMu.Lock()
	st := b.consumers[name]
	b.consumersMu.Unlock()
	c := &Consumer{b: b, st: st, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.handle != nil {
		return nil, fmt.Errorf("opening consumer %q: %w", name, errConsumerOpen)
	}
	st.handle = c
	st.cursor = st.progress.low + 1
	return c, nil
}

// CreateConsumers implements buffer.Buffer.
func (b *Buffer) CreateConsumers(ctx context.Context, names ...string) error {
	for _, name := range names {
		if name == "" || len(name) > 255 || strings.ContainsRune(name, 0) {
			return errors.New("creating consumers: a name has 1 to 255 bytes, none of them zero")
		}
	}
	// The committer may look at the names after the caller has given up.
	names = slices.Sorted(slices.Values(names))
	t := &createTask{waiter: newWaiter(), names: slices.Compact(names)}
	if _, err := b.committer.do(ctx, t, &t.waiter); err != nil {
		return fmt.Errorf("creating consumers: %w", err)
	}
	return nil
}

// createTask makes the consumers that are not there. The committer does it since it
// knows the position between what was and what comes.
type createTask struct {
	waiter
	names []string
}

func (t *createTask) size() int { return 64 * len(t.names) }

func (t *createTask) stage(g *group) error {
	b := g.b
	b.consumersMu.Lock()
	defer b.consumersMu.Unlock()
	fresh := slices.DeleteFunc(slices.Clone(t.names), func(name string) bool { return b.consumers[name] != nil })
	if len(fresh) == 0 {
		return nil
	}
	ever, err := b.hadConsumers()
	if err != nil {
		return err
	}
	low := g.c.next - 1
	if !ever {
		low = b.first.Load() - 1
		_ = g.batch.Set(metaConsumers, []byte{1}, nil)
	}
	for _, name := range fresh {
		st := newConsumerState(name, &progress{low: low, high: low})
		b.consumers[name] = st
		g.touch(st)
	}
	return nil
}

func (t *createTask) done(err error) { t.finish(err) }

func (b *Buffer) hadConsumers() (bool, error) {
	if len(b.consumers) > 0 {
		return true, nil
	}
	_, err := b.get(metaConsumers)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func newConsumerState(name string, p *progress) *consumerState {
	return &consumerState{name: name, progress: *p, cursor: p.low + 1, leased: map[uint64]lease{}}
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
	it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindConsumer}, UpperBound: []byte{kindConsumer + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		name := string(it.Key()[1:])
		p, err := parseProgress(it.Value())
		if err != nil {
			// To deliver again what is stored is better than to lose one event.
			low := b.first.Load() - 1
			p = &progress{low: low, high: low}
			b.log.Error("buffer: a consumer's progress is damaged, it starts again with the oldest stored event", "consumer", name)
		}
		b.consumers[name] = newConsumerState(name, p)
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
	_ = batch.Set(consumerKey(st.name), st.progress.append(nil), nil)
}

// usable says why the consumer can do nothing, if so.
func (c *Consumer) usable() error {
	select {
	case <-c.closed:
		return buffer.ErrClosed
	case <-c.b.closing:
		return buffer.ErrClosed
	default:
		return c.b.seal.err()
	}
}

// Stats implements buffer.Consumer.
func (c *Consumer) Stats() buffer.ConsumerStats {
	durable := c.b.durable.Load()
	st := c.st
	st.mu.Lock()
	defer st.mu.Unlock()
	s := buffer.ConsumerStats{
		Position: st.progress.low,
		Leased:   len(st.leased),
		Deferred: st.progress.deferred,
	}
	if durable >= st.cursor {
		s.Pending = durable - st.cursor + 1
		s.Pending -= min(s.Pending, st.progress.markedFrom(st.cursor))
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
