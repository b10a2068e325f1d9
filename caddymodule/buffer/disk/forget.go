package disk

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// ForgetConsumer implements buffer.Buffer.
func (b *Buffer) ForgetConsumer(ctx context.Context, name string) error {
	err := b.change(ctx, func(g *group) error {
		st := b.consumerNamed(name)
		if st == nil {
			return buffer.ErrNotFound
		}
		return g.stageForget(st)
	})
	if err != nil {
		return fmt.Errorf("forgetting consumer %q: %w", name, err)
	}
	return nil
}

// stageForget removes all that is kept under a consumer's name.
func (g *group) stageForget(st *consumerState) error {
	copies, err := g.copyCosts(st.name)
	if err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.busy() {
		return buffer.ErrInUse
	}
	st.forgotten = true
	g.b.consumersMu.Lock()
	delete(g.b.consumers, st.name)
	g.b.consumersMu.Unlock()
	_ = g.batch.Delete(consumerKey(st.name), nil)
	_ = g.batch.Delete(standingKey(st.name), nil)
	for _, kind := range []byte{kindMemo, kindDeferredAt, kindDeferred, kindCopy} {
		prefix := namePrefix(kind, st.name)
		_ = g.batch.DeleteRange(prefix, after(prefix), nil)
	}
	if copies > 0 {
		g.countAside(0, -int64(copies))
	}
	return nil
}

// busy says whether somebody reads from the consumer, or something of it is on the way to the
// disk. Callers hold mu.
func (st *consumerState) busy() bool {
	return st.handle != nil || st.settling > 0
}

// copyCosts sums what the consumer's copies of events count for.
func (g *group) copyCosts(name string) (uint64, error) {
	prefix := namePrefix(kindCopy, name)
	it, err := g.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	var sum uint64
	for ok := it.First(); ok; ok = it.Next() {
		sum += cost(len(it.Value()))
	}
	return sum, it.Error()
}
