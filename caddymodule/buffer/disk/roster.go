package disk

import (
	"context"
	"fmt"
	"maps"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// Roster implements buffer.Buffer.
func (b *Buffer) Roster(ctx context.Context) (buffer.Roster, error) {
	taken := make(chan buffer.Roster, 1)
	err := b.change(ctx, func(*group) error {
		r := buffer.Roster{Consumers: map[string]buffer.Orphanhood{}}
		for _, st := range b.allConsumers() {
			s := st.getLifecycle()
			r.Consumers[st.name] = buffer.Orphanhood{Since: since(s.OrphanedSince), Last: s.OrphanedAt}
		}
		b.consumersMu.Lock()
		defer b.consumersMu.Unlock()
		var err error
		if r.Ever, err = b.hadConsumers(); err != nil {
			return err
		}
		taken <- r
		return nil
	})
	if err != nil {
		return buffer.Roster{}, fmt.Errorf("noting which consumers there are: %w", err)
	}
	return <-taken, nil
}

// RestoreRoster implements buffer.Buffer.
func (b *Buffer) RestoreRoster(ctx context.Context, roster buffer.Roster) error {
	// The committer may look at it after the caller has given up.
	known := maps.Clone(roster.Consumers)
	err := b.change(ctx, func(g *group) error {
		var extra []*consumerState
		for _, st := range b.allConsumers() {
			if _, ok := known[st.name]; !ok {
				extra = append(extra, st)
			}
		}
		if err := g.stageForgetAll(extra); err != nil {
			return err
		}
		for name, o := range known {
			if st := b.consumerNamed(name); st != nil {
				s := st.getLifecycle()
				s.OrphanedSince, s.OrphanedAt = 0, o.Last
				if !o.Since.IsZero() {
					s.OrphanedSince = o.Since.UnixNano()
				}
				g.stageLifecycle(st, s)
			}
		}
		if !roster.Ever {
			_ = g.batch.Delete(format.MetaConsumers, nil)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("going back to the consumers that there were: %w", err)
	}
	return nil
}

// stageForgetAll removes all that is kept for some consumers, or nothing where one of them is in use.
func (g *group) stageForgetAll(states []*consumerState) error {
	copies := make([]uint64, len(states))
	for i, st := range states {
		var err error
		if copies[i], err = copyCosts(g.db, st.name, format.MaxPosition); err != nil {
			return err
		}
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.busy() {
			return fmt.Errorf("consumer %q: %w", st.name, buffer.ErrInUse)
		}
	}
	for i, st := range states {
		g.stageForget(st, copies[i])
	}
	return nil
}
