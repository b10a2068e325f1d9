package disk

import (
	"context"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// States implements buffer.Buffer. ErrNotFound: the position was never given.
func (b *Buffer) States(ctx context.Context, position uint64) ([]buffer.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var all []buffer.State
	err := b.use(func(db *store.DB) error {
		if position == 0 || position > b.durable.Load() {
			return buffer.ErrNotFound
		}
		for _, st := range b.consumersByName() {
			s, err := st.state(db, position)
			if err != nil {
				return err
			}
			all = append(all, s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the states of event %d: %w", position, err)
	}
	return all, nil
}

func (st *consumerState) state(db *store.DB, position uint64) (buffer.State, error) {
	s := buffer.State{Consumer: st.name, Phase: buffer.PhaseSettled}
	st.mu.Lock()
	has := st.progress.Has(position)
	// A lease is taken away only when what became of the event can be read.
	l, leased := st.leased[position]
	st.mu.Unlock()
	if !has || leased && !l.deferred {
		s.Phase = buffer.PhasePending
		return s, nil
	}
	v, ok, err := getMaybe(db, format.DeferredAtKey(st.name, position))
	if err != nil || !ok {
		return s, err
	}
	s.Phase = buffer.PhaseDeferred
	s.Lane = string(v)
	raw, ok, err := getMaybe(db, format.DeferredKey(st.name, s.Lane, position))
	if err == nil && ok {
		s.Retry = format.DecodeRetry(raw)
	}
	return s, err
}
