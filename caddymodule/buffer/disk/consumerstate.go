package disk

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

func newConsumerState(name string, p *format.Progress) *consumerState {
	return &consumerState{
		name: name, progress: *p, cursor: p.Low + 1,
		leased: map[uint64]lease{}, staged: map[uint64]bool{}, hints: newSeekHints(),
	}
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

func (st *consumerState) getLifecycle() format.Lifecycle {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.lifecycle
}

// busy reports whether somebody reads from the consumer, or something of it is on the way to the
// disk. Callers hold mu.
func (st *consumerState) busy() bool {
	return st.handle != nil || st.settling > 0
}

// has reports whether the position is settled, deferred or leased.
func (st *consumerState) has(position uint64) bool {
	if _, ok := st.leased[position]; ok {
		return true
	}
	return st.progress.Has(position)
}

// markGap settles a position that has no event to read: none was stored, or it was
// passed over since the consumer has it behind it.
func (st *consumerState) markGap(position uint64) {
	if _, ok := st.leased[position]; !ok {
		st.progress.Mark(position)
	}
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

// learn finds a hint that is not known, among the keys of a prefix from a position on. That may take long, so it does
// not hold mu.
func (st *consumerState) learn(db *store.DB, prefix []byte, from uint64, choose func() *seekHint) error {
	st.mu.Lock()
	f := choose()
	known := f.known
	st.mu.Unlock()
	if known {
		return nil
	}
	it, position, err := seekPosition(db, prefix, from)
	if err != nil {
		return err
	}
	if err := it.Close(); err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	f.lower(position)
	f.known = true
	return nil
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
