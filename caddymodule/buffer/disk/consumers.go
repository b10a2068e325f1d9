package disk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// Consumers implements buffer.Buffer.
func (b *Buffer) Consumers(ctx context.Context) ([]buffer.ConsumerInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var all []buffer.ConsumerInfo
	err := b.use(func(db *store.DB) error {
		for _, st := range b.consumersByName() {
			info, err := b.describe(db, st)
			if err != nil {
				return err
			}
			all = append(all, info)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("describing consumers: %w", err)
	}
	return all, nil
}

func (b *Buffer) consumersByName() []*consumerState {
	all := b.allConsumers()
	slices.SortFunc(all, func(a, b *consumerState) int { return strings.Compare(a.name, b.name) })
	return all
}

func (b *Buffer) describe(db *store.DB, st *consumerState) (buffer.ConsumerInfo, error) {
	st.mu.Lock()
	info := buffer.ConsumerInfo{
		Name:          st.name,
		Open:          st.handle != nil,
		PausedSince:   since(st.lifecycle.PausedSince),
		OrphanedSince: since(st.lifecycle.OrphanedSince),
	}
	st.mu.Unlock()
	if !info.OrphanedSince.IsZero() {
		info.LetGoAt = b.letGoAt(info.OrphanedSince)
	}
	info.ConsumerStats = st.stats(b.durable.Load())
	oldest, err := b.oldestOpen(db, st)
	if err != nil {
		return info, fmt.Errorf("consumer %q: %w", st.name, err)
	}
	info.Oldest = oldest
	return info, nil
}

// oldestOpen returns when the oldest event was stored that the consumer has not settled.
func (b *Buffer) oldestOpen(db *store.DB, st *consumerState) (time.Time, error) {
	at, fresh, err := b.oldestFresh(st)
	if err != nil {
		return time.Time{}, err
	}
	prefix := format.NamePrefix(format.KindDeferredAt, st.name)
	if err := st.learn(db, prefix, 0, func() *seekHint { return &st.hints.oldest }); err != nil {
		return time.Time{}, err
	}
	st.mu.Lock()
	it, err := st.hints.oldest.seek(db, prefix, 0, st.hints.arrivals)
	st.mu.Unlock()
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = it.Close() }()
	for ok := it.Valid(); ok; ok = it.Next() {
		position, valid := format.PositionBehind(prefix, it.Key())
		if !valid || fresh > 0 && position > fresh {
			break
		}
		// A damaged event has no time; the next one is nearly as old.
		if _, raw, err := st.readEvent(b, db, position, lease{deferred: true}); err == nil {
			if _, t, err := format.OpenRecord(raw, position); err == nil {
				return since(t.StoredAt), nil
			}
		}
	}
	return since(at), it.Error()
}

// oldestFresh finds the first event that is neither settled nor deferred, and when it was stored. The
// position is 0 if there is none.
func (b *Buffer) oldestFresh(st *consumerState) (at int64, position uint64, err error) {
	last := b.durable.Load()
	for next := uint64(1); ; next++ {
		st.mu.Lock()
		next = st.progress.Run(max(next-1, st.progress.Low)) + 1
		st.mu.Unlock()
		if next > last {
			return 0, 0, nil
		}
		f, err := b.firstIntact(max(next, b.first.Load()), last)
		if err != nil || f.position == 0 {
			return 0, 0, err
		}
		st.mu.Lock()
		open := !st.progress.Has(f.position)
		st.mu.Unlock()
		if open {
			return f.trailer.StoredAt, f.position, nil
		}
		next = f.position
	}
}
