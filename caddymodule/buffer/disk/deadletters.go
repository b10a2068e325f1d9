package disk

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// lettersAtOnce and lettersBytes bound what one read holds in memory.
const (
	lettersAtOnce = 32
	lettersBytes  = 4 << 20
)

// DeadLetters implements buffer.Buffer.
func (b *Buffer) DeadLetters(ctx context.Context, behind buffer.DeadLetterID) iter.Seq2[buffer.DeadLetter, error] {
	return func(yield func(buffer.DeadLetter, error) bool) {
		from := []byte{format.KindDeadLetter}
		if behind != "" {
			id, err := format.ParseDeadLetterID(behind)
			if err != nil {
				yield(buffer.DeadLetter{}, fmt.Errorf("reading dead letters: %w", err))
				return
			}
			from = append(id.Key(), 0)
		}
		for from != nil {
			if err := ctx.Err(); err != nil {
				yield(buffer.DeadLetter{}, err)
				return
			}
			// Nothing is locked while the caller has the turn.
			found, next, err := b.readDeadLetters(from)
			for _, f := range found {
				if !yield(f.letter, f.err) {
					return
				}
			}
			if err != nil {
				yield(buffer.DeadLetter{}, fmt.Errorf("reading dead letters: %w", err))
				return
			}
			from = next
		}
	}
}

// DeadLettersEnd implements buffer.Buffer. What dies later has that time at least.
func (b *Buffer) DeadLettersEnd() buffer.DeadLetterID {
	return format.DeadLettersSince(time.Unix(0, b.clock.Next()))
}

// DeadLettersSince implements buffer.Buffer.
func (b *Buffer) DeadLettersSince(t time.Time) buffer.DeadLetterID {
	return format.DeadLettersSince(t)
}

type foundLetter struct {
	letter buffer.DeadLetter
	err    error
}

func (b *Buffer) readDeadLetters(from []byte) (found []foundLetter, next []byte, err error) {
	err = b.use(func(db *store.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{format.KindDeadLetter + 1}})
		if err != nil {
			return err
		}
		defer func() { _ = it.Close() }()
		size := 0
		for ok := it.First(); ok; ok = it.Next() {
			if len(found) == lettersAtOnce || size >= lettersBytes {
				next = append([]byte{}, it.Key()...)
				return nil
			}
			id, valid := format.ParseDeadLetterKey(it.Key())
			if !valid {
				continue
			}
			letter, err := readLetter(id, it.Value())
			size += len(it.Value())
			found = append(found, foundLetter{letter, err})
		}
		return it.Error()
	})
	return found, next, err
}

// readLetter returns the id in any case, so that a damaged letter can be dropped.
func readLetter(id format.DeadLetterID, raw []byte) (buffer.DeadLetter, error) {
	letter, err := format.DecodeDeadLetter(raw)
	letter.ID = id.Text()
	if err != nil {
		letter.Handler = id.Handler
		return letter, fmt.Errorf("reading dead letter %s: %w", letter.ID, err)
	}
	return letter, nil
}

// DeadLetter implements buffer.Buffer.
func (b *Buffer) DeadLetter(ctx context.Context, text buffer.DeadLetterID) (letter buffer.DeadLetter, err error) {
	if err := ctx.Err(); err != nil {
		return buffer.DeadLetter{}, err
	}
	id, err := format.ParseDeadLetterID(text)
	if err != nil {
		return buffer.DeadLetter{}, fmt.Errorf("reading a dead letter: %w", err)
	}
	err = b.use(func(db *store.DB) error {
		raw, ok, err := getMaybe(db, id.Key())
		if err == nil && !ok {
			err = buffer.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("reading dead letter %s: %w", text, err)
		}
		letter, err = readLetter(id, raw)
		return err
	})
	return letter, err
}

// dropsAtOnce bounds how long one removal keeps the committer.
const dropsAtOnce = 256

// DropDeadLetters implements buffer.Buffer. Many go in several steps; a failure leaves those that
// the number does not count.
func (b *Buffer) DropDeadLetters(ctx context.Context, ids ...buffer.DeadLetterID) (int, error) {
	keys := make([][]byte, 0, len(ids))
	for _, text := range ids {
		id, err := format.ParseDeadLetterID(text)
		if err != nil {
			return 0, fmt.Errorf("dropping dead letters: %w", err)
		}
		keys = append(keys, id.Key())
	}
	dropped := 0
	for len(keys) > 0 {
		n := min(dropsAtOnce, len(keys))
		t := &dropTask{waiter: newWaiter(), keys: keys[:n]}
		keys = keys[n:]
		done, err := b.committer.do(ctx, t, &t.waiter)
		if done && err == nil {
			dropped += t.dropped
		}
		if err != nil {
			return dropped, fmt.Errorf("dropping dead letters: %w", err)
		}
	}
	return dropped, nil
}

// dropTask removes dead letters.
type dropTask struct {
	waiter
	keys    [][]byte
	dropped int
}

func (t *dropTask) size() int { return 64 * len(t.keys) }

func (t *dropTask) stage(g *group) error {
	sizes := make([]int, len(t.keys))
	for i, key := range t.keys {
		n, err := sizeOf(g.db, key)
		if err != nil {
			return err
		}
		sizes[i] = n
	}
	for i, key := range t.keys {
		if sizes[i] > 0 && !g.lettersGone[string(key)] {
			g.dropLetter(key, format.Cost(sizes[i]))
			t.dropped++
		}
	}
	return nil
}

func (t *dropTask) done(err error) { t.finish(err) }
