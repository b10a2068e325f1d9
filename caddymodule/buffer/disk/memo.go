package disk

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// stageMemo notes a memo; of several under one key the group writes the last.
func (g *group) stageMemo(name string, m buffer.Memo) {
	if g.memos == nil {
		g.memos = map[string][]byte{}
	}
	g.memos[string(format.MemoKey(name, m.Key))] = m.Value
}

// writeMemos adds the group's memos to its batch, in the order of their keys: so Pebble
// finds the place of each near that of the one before.
func (g *group) writeMemos() {
	if len(g.memos) == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(g.memos)) {
		value := g.memos[key]
		if value == nil {
			_ = g.batch.Delete([]byte(key), nil)
			continue
		}
		_ = g.batch.Set([]byte(key), format.AppendChecksum(value), nil)
	}
	clear(g.memos)
}

// Memo implements buffer.Consumer.
func (c *Consumer) Memo(ctx context.Context, key string) (value []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.usable(); err != nil {
		return nil, fmt.Errorf("reading a memo: %w", err)
	}
	err = c.b.use(func(db *store.DB) error {
		raw, ok, err := getMaybe(db, format.MemoKey(c.st.name, key))
		if err != nil || !ok {
			return err
		}
		value, err = format.VerifyChecksum(raw)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading a memo: %w", err)
	}
	return value, nil
}

const (
	memosAtOnce = 256
	memoBytes   = 1 << 20
)

// Memos implements buffer.Consumer. It holds nothing while the caller has the turn.
func (c *Consumer) Memos(ctx context.Context, prefix string) iter.Seq2[buffer.Memo, error] {
	return func(yield func(buffer.Memo, error) bool) {
		from := format.MemoKey(c.st.name, prefix)
		end := format.After(from)
		for from != nil {
			if err := ctx.Err(); err != nil {
				yield(buffer.Memo{}, err)
				return
			}
			memos, next, err := c.readMemos(from, end)
			for _, m := range memos {
				if !yield(m.memo, m.err) {
					return
				}
			}
			if err != nil {
				yield(buffer.Memo{}, fmt.Errorf("reading memos: %w", err))
				return
			}
			from = next
		}
	}
}

type foundMemo struct {
	memo buffer.Memo
	err  error
}

func (c *Consumer) readMemos(from, end []byte) (memos []foundMemo, next []byte, err error) {
	if err := c.usable(); err != nil {
		return nil, nil, err
	}
	skip := len(format.MemoKey(c.st.name, ""))
	err = c.b.use(func(db *store.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: end})
		if err != nil {
			return err
		}
		defer func() { _ = it.Close() }()
		size := 0
		for ok := it.First(); ok; ok = it.Next() {
			if len(memos) == memosAtOnce || size >= memoBytes {
				next = append([]byte{}, it.Key()...)
				return nil
			}
			f := foundMemo{memo: buffer.Memo{Key: string(it.Key()[skip:])}}
			value, err := format.VerifyChecksum(it.Value())
			if err != nil {
				f.err = fmt.Errorf("reading a memo: %w", err)
			} else {
				f.memo.Value = append([]byte{}, value...)
			}
			size += len(value)
			memos = append(memos, f)
		}
		return it.Error()
	})
	return memos, next, err
}
