package disk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// loadLifecycle takes a damaged record for none: the consumer is then neither paused nor an orphan, and loses nothing.
func (b *Buffer) loadLifecycle(name string) (format.Lifecycle, error) {
	raw, err := b.get(format.LifecycleKey(name))
	if errors.Is(err, pebble.ErrNotFound) {
		return format.Lifecycle{}, nil
	}
	if err != nil {
		return format.Lifecycle{}, fmt.Errorf("reading the lifecycle of consumer %q: %w", name, err)
	}
	s, err := format.ParseLifecycle(raw)
	if err != nil {
		b.log.Error("buffer: whether a consumer was paused is not known any more, it is taken for running",
			"consumer", name)
	}
	return s, nil
}

// KeepConsumers implements buffer.Buffer.
func (b *Buffer) KeepConsumers(ctx context.Context, names ...string) error {
	keep := slices.Clone(names)
	err := b.change(ctx, func(g *group) error {
		for _, st := range b.allConsumers() {
			s := st.getLifecycle()
			switch {
			case slices.Contains(keep, st.name):
				s.OrphanedSince, s.OrphanedAt = 0, 0
			case s.OrphanedSince == 0:
				s.OrphanedSince, s.OrphanedAt = max(1, g.now), g.c.next-1
			}
			g.stageLifecycle(st, s)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping consumers: %w", err)
	}
	return nil
}

// PauseConsumer implements buffer.Buffer.
func (b *Buffer) PauseConsumer(ctx context.Context, name string, paused bool) error {
	err := b.change(ctx, func(g *group) error {
		st := b.consumerNamed(name)
		if st == nil {
			return buffer.ErrNotFound
		}
		s := st.getLifecycle()
		switch {
		case !paused:
			s.PausedSince = 0
		case s.PausedSince == 0:
			s.PausedSince = max(1, g.now)
		}
		g.stageLifecycle(st, s)
		return nil
	})
	if err != nil {
		return fmt.Errorf("pausing consumer %q: %w", name, err)
	}
	return nil
}

// stageLifecycle writes a lifecycle if it changed.
func (g *group) stageLifecycle(st *consumerState, s format.Lifecycle) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s == st.lifecycle {
		return
	}
	st.lifecycle = s
	if s == (format.Lifecycle{}) {
		_ = g.batch.Delete(format.LifecycleKey(st.name), nil)
		return
	}
	_ = g.batch.Set(format.LifecycleKey(st.name), s.Encode(), nil)
}

// since returns a time of a lifecycle for people.
func since(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
