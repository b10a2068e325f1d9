package vehicles

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// idHash stands for the id of a forgotten vehicle, which itself is not kept.
type idHash [16]byte

func hashID(id string) idHash {
	sum := sha256.Sum256([]byte(id))
	return idHash(sum[:16])
}

// mostForgotten bounds the vehicles that were forgotten before all events that the buffer had then were read.
const mostForgotten = 10_000

// Forget deletes what is known of a vehicle, of all sources, from disk too, and returns of how many sources there was
// something. Events of it that are stored by now do not bring it back, later ones do. The events themselves stay in the
// buffer. Errors: ErrOff, ErrNotReady, ErrTooManyForgotten.
func (w *Watch) Forget(ctx context.Context, id string) (sources int, err error) {
	if err := w.ask(ctx); err != nil {
		return 0, err
	}
	defer w.turn.unlock()
	t := &w.table
	if len(t.forgotten) >= mostForgotten {
		return 0, ErrTooManyForgotten
	}
	if err := w.write(); err != nil {
		return 0, err
	}
	found, err := t.find(id)
	if err != nil {
		return 0, err
	}
	upTo := w.buffer.Stats().Last
	b := t.store.db.NewBatch()
	defer func() { _ = b.Close() }()
	for _, f := range found {
		if err := b.Delete(f.key, nil); err != nil {
			return 0, err
		}
	}
	hash := hashID(id)
	if err := b.Set(forgottenKey(hash), appendPosition(upTo), nil); err != nil {
		return 0, err
	}
	if err := t.store.commit(b); err != nil {
		return 0, fmt.Errorf("forgetting a vehicle: %w", err)
	}
	t.forgotten[hash] = upTo
	if err := t.store.flush(); err != nil {
		return 0, fmt.Errorf("forgetting a vehicle: %w", err)
	}
	for _, f := range found {
		// So that it is in no older file either.
		if err := t.store.compact(ctx, f.key, append(f.key[:len(f.key):len(f.key)], 0)); err != nil {
			return 0, fmt.Errorf("forgetting a vehicle: it is deleted, and may still lie in an old file: %w", err)
		}
	}
	return len(found), nil
}

func forgottenKey(h idHash) []byte { return append([]byte{kindForgotten}, h[:]...) }

// loadForgotten reads what was forgotten before all events were read.
func (s *store) loadForgotten() (map[idHash]uint64, error) {
	forgotten := map[idHash]uint64{}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindForgotten}, UpperBound: []byte{kindForgotten + 1}})
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		var position uint64
		for _, c := range it.Value() {
			position = position<<8 | uint64(c)
		}
		if hash := it.Key()[1:]; len(hash) == len(idHash{}) {
			forgotten[idHash(hash)] = position
		}
	}
	return forgotten, it.Close()
}

// isForgotten reports whether an event does not count, since its vehicle was forgotten later.
func (w *Watch) isForgotten(e *buffer.Event) bool {
	if len(w.table.forgotten) == 0 {
		return false
	}
	return e.Position <= w.table.forgotten[hashID(e.VehicleID)]
}

// dropForgotten lets go of those whose events have all been read.
func (w *Watch) dropForgotten(b *batch) {
	done := w.table.done()
	maps.DeleteFunc(w.table.forgotten, func(hash idHash, upTo uint64) bool {
		if upTo > done || b.err != nil {
			return false
		}
		b.err = b.b.Delete(forgottenKey(hash), nil)
		return true
	})
}
