package disk

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// ForgetConsumer implements buffer.Buffer.
func (b *Buffer) ForgetConsumer(ctx context.Context, name string) error {
	err := b.change(ctx, func(g *group) error {
		st := b.consumerNamed(name)
		if st == nil {
			return buffer.ErrNotFound
		}
		return g.stageForgetAll([]*consumerState{st})
	})
	if err != nil {
		return fmt.Errorf("forgetting consumer %q: %w", name, err)
	}
	return nil
}

// stageForget removes all that is kept under a consumer's name, and that nobody uses. copies is what
// its copies of events count for. The caller holds mu.
func (g *group) stageForget(st *consumerState, copies uint64) {
	st.forgotten = true
	g.b.consumersMu.Lock()
	delete(g.b.consumers, st.name)
	g.b.consumersMu.Unlock()
	_ = g.batch.Delete(format.ConsumerKey(st.name), nil)
	_ = g.batch.Delete(format.LifecycleKey(st.name), nil)
	for _, kind := range []byte{format.KindMemo, format.KindDeferredAt, format.KindDeferred, format.KindCopy} {
		prefix := format.NamePrefix(kind, st.name)
		_ = g.batch.DeleteRange(prefix, format.After(prefix), nil)
	}
	if copies > 0 {
		g.countAside(0, -int64(copies))
	}
}

// copyCosts sums what a consumer's copies of events up to a position count for.
func copyCosts(db *store.DB, name string, to uint64) (sum uint64, err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: format.NamePrefix(format.KindCopy, name),
		UpperBound: format.CopyKey(name, to+1)})
	if err != nil {
		return 0, err
	}
	defer func() { _ = it.Close() }()
	for ok := it.First(); ok; ok = it.Next() {
		sum += format.Cost(len(it.Value()))
	}
	return sum, it.Error()
}
