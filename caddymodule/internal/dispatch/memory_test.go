package dispatch_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// memory is a buffer.Buffer that keeps its promises as long as the process lives: a
// consumer that is closed and opened again sees what a restart would see. It knows no
// duplicates and trims nothing.
type memory struct {
	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at every change
	events    []buffer.Event
	ids       map[string]uint64
	consumers map[string]*memoryState
	dead      []buffer.DeadLetter
	died      int
	closed    bool
}

func newMemory() *memory {
	return &memory{changed: make(chan struct{}), ids: map[string]uint64{}, consumers: map[string]*memoryState{}}
}

func (b *memory) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *memory) Limits() buffer.Limits { return buffer.Limits{} }

func (b *memory) DeadLettersSince(time.Time) buffer.DeadLetterID { return "" }
func (b *memory) DeadLettersEnd() buffer.DeadLetterID            { return "" }

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
	b.ids[e.Source+"\x00"+e.ID] = stored.Position
	b.wake()
	return buffer.Receipt{Position: stored.Position}, nil
}

// CreateConsumers lets every consumer start with the oldest event: dispatch does not
// depend on where one starts.
func (b *memory) CreateConsumers(_ context.Context, specs ...buffer.ConsumerSpec) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return buffer.ErrClosed
	}
	for _, spec := range specs {
		if b.consumers[spec.Name] == nil {
			b.consumers[spec.Name] = newMemoryState()
		}
	}
	return nil
}

func (b *memory) Consumer(ctx context.Context, name string) (buffer.Consumer, error) {
	if err := b.CreateConsumers(ctx, buffer.ConsumerSpec{Name: name}); err != nil {
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

func (b *memory) Consumers(context.Context) ([]buffer.ConsumerInfo, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []buffer.ConsumerInfo
	for _, name := range slices.Sorted(maps.Keys(b.consumers)) {
		s := b.consumers[name]
		all = append(all, buffer.ConsumerInfo{Name: name, Open: s.open != nil, PausedSince: s.paused})
	}
	return all, nil
}

func (b *memory) KeepConsumers(context.Context, ...string) error { return nil }

func (b *memory) PauseConsumer(_ context.Context, name string, paused bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.consumers[name]
	if s == nil {
		return buffer.ErrNotFound
	}
	s.paused = time.Time{}
	if paused {
		s.paused = time.Now()
	}
	return nil
}

func (b *memory) ForgetConsumer(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.consumers[name]
	if s == nil {
		return buffer.ErrNotFound
	}
	if s.open != nil {
		return buffer.ErrInUse
	}
	delete(b.consumers, name)
	return nil
}

func (b *memory) Roster(context.Context) (buffer.Roster, error) { return buffer.Roster{}, nil }

func (b *memory) RestoreRoster(context.Context, buffer.Roster) error { return nil }

func (b *memory) Events(_ context.Context, r buffer.Range) iter.Seq2[buffer.Event, error] {
	b.mu.Lock()
	events := slices.Clone(b.events)
	b.mu.Unlock()
	if r.Backwards {
		slices.Reverse(events)
	}
	return func(yield func(buffer.Event, error) bool) {
		for _, e := range events {
			if e.Position < r.First || r.Last > 0 && e.Position > r.Last {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (b *memory) Event(_ context.Context, position uint64) (buffer.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if position == 0 || position > uint64(len(b.events)) {
		return buffer.Event{}, buffer.ErrNotFound
	}
	return b.events[position-1], nil
}

func (b *memory) Lookup(_ context.Context, source, id string) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	position, ok := b.ids[source+"\x00"+id]
	if !ok {
		return 0, buffer.ErrNotFound
	}
	return position, nil
}

func (b *memory) States(_ context.Context, position uint64) ([]buffer.State, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []buffer.State
	for _, name := range slices.Sorted(maps.Keys(b.consumers)) {
		s := buffer.State{Consumer: name, Phase: buffer.PhasePending}
		if o, deferred := b.consumers[name].deferred[position]; deferred {
			s.Phase, s.Lane, s.Retry = buffer.PhaseDeferred, o.Lane, o.Retry
		} else if b.consumers[name].settled[position] {
			s.Phase = buffer.PhaseSettled
		}
		all = append(all, s)
	}
	return all, nil
}

func (b *memory) DeadLetters(_ context.Context, after buffer.DeadLetterID) iter.Seq2[buffer.DeadLetter, error] {
	b.mu.Lock()
	dead := slices.Clone(b.dead)
	b.mu.Unlock()
	return func(yield func(buffer.DeadLetter, error) bool) {
		for _, d := range dead {
			if d.ID > after && !yield(d, nil) {
				return
			}
		}
	}
}

func (b *memory) DeadLetter(_ context.Context, id buffer.DeadLetterID) (buffer.DeadLetter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.letter(id); i >= 0 {
		return b.dead[i], nil
	}
	return buffer.DeadLetter{}, buffer.ErrNotFound
}

func (b *memory) letter(id buffer.DeadLetterID) int {
	return slices.IndexFunc(b.dead, func(d buffer.DeadLetter) bool { return d.ID == id })
}

func (b *memory) dies(d buffer.DeadLetter) {
	b.died++
	d.ID = buffer.DeadLetterID(fmt.Sprintf("%09d", b.died))
	d.DiedAt = time.Now()
	b.dead = append(b.dead, d)
}

func (b *memory) DropDeadLetters(_ context.Context, ids ...buffer.DeadLetterID) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if i := b.letter(id); i >= 0 {
			b.dead = slices.Delete(b.dead, i, i+1)
			n++
		}
	}
	return n, nil
}

func (b *memory) Stats() buffer.Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return buffer.Stats{First: 1, Last: uint64(len(b.events)), DeadLetters: uint64(len(b.dead))}
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
