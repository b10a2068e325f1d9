package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/clock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// beginRebuild notes in a fresh store that it is built from the log alone, before any group is applied. base is the last
// group before the log: where there are such, what only they had is missing then.
func (b *Buffer) beginRebuild(base uint64) error {
	if base == 0 && b.beginAt == 0 {
		return nil // the log has everything, as after the first crash of a new buffer
	}
	return b.db.Set(format.MetaRebuild, binary.BigEndian.AppendUint64(nil, base), pebble.NoSync)
}

// finishRebuild puts right what the groups of the log alone do not, once all of them are applied. It does nothing to a
// store that was not built anew.
func (b *Buffer) finishRebuild(a applied) error {
	base, rebuilt, err := getMaybe(b.db, format.MetaRebuild)
	if err != nil || !rebuilt {
		return err
	}
	if a.next < b.beginAt {
		return fmt.Errorf("%w: events were stored up to position %d, but the log has only those up to %d",
			format.ErrDamaged, b.beginAt-1, a.next-1)
	}
	batch := b.db.NewBatch()
	defer func() { _ = batch.Close() }()
	for _, fix := range []func(*pebble.Batch) error{b.fixBeginning, b.fixConsumers, b.fixCounts, b.fixClock} {
		if err := fix(batch); err != nil {
			return fmt.Errorf("building the store anew: %w", err)
		}
	}
	_ = batch.Set(format.MetaConsumers, []byte{1}, nil)
	if !bytes.Equal(base, make([]byte, 8)) {
		_ = batch.Set(format.MetaLost, binary.BigEndian.AppendUint64(nil, a.next), nil)
	}
	_ = batch.Delete(format.MetaRebuild, nil)
	if err := errors.Join(b.db.Apply(batch, pebble.NoSync), b.db.Flush()); err != nil {
		return fmt.Errorf("building the store anew: %w", err)
	}
	b.log.Warn("buffer: the store was built anew from the log of events; a handler whose position is not in it starts "+
		"again with the oldest stored event", "path", b.opts.Path, "next position", a.next)
	return nil
}

// fixBeginning finds the first event, where no trim in the log says it.
func (b *Buffer) fixBeginning(batch *pebble.Batch) error {
	_, ok, err := getMaybe(b.db, format.MetaBeginning)
	if ok || err != nil {
		return err
	}
	_, next := b.events.Next()
	first, gone := b.events.First(), uint64(0)
	f, err := b.firstIntact(first, next-1)
	if err != nil {
		return err
	}
	if f.position > 0 {
		gone = f.trailer.Total - f.cost
	}
	return batch.Set(format.MetaBeginning, beginning(first, gone), nil)
}

// fixConsumers removes the progress of consumers whose deferred events are not all there: they start again.
func (b *Buffer) fixConsumers(batch *pebble.Batch) error {
	return b.eachProgress(func(name string, p *format.Progress, err error) error {
		if err != nil {
			return nil //nolint:nilerr // loadConsumers sees to it
		}
		deferred, err := countKeys(b.db, format.NamePrefix(format.KindDeferredAt, name))
		if err != nil || deferred >= p.Deferred {
			return err
		}
		b.log.Error("buffer: events that a consumer has deferred are not known any more, it starts again with the "+
			"oldest stored event", "consumer", name)
		_ = batch.Delete(format.ConsumerKey(name), nil)
		for _, kind := range []byte{format.KindDeferredAt, format.KindDeferred, format.KindCopy} {
			prefix := format.NamePrefix(kind, name)
			_ = batch.DeleteRange(prefix, format.After(prefix), nil)
		}
		return nil
	})
}

func countKeys(db *store.DB, prefix []byte) (n uint64, err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: format.After(prefix)})
	if err != nil {
		return 0, err
	}
	defer func() { _ = it.Close() }()
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	return n, it.Error()
}

// fixCounts counts the dead letters and the copies that are there.
func (b *Buffer) fixCounts(batch *pebble.Batch) error {
	letters, bytes := uint64(0), uint64(0)
	for _, kind := range []byte{format.KindCopy, format.KindDeadLetter} {
		it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
		if err != nil {
			return err
		}
		for ok := it.First(); ok; ok = it.Next() {
			bytes += format.Cost(len(it.Value()))
			if kind == format.KindDeadLetter {
				letters++
			}
		}
		if err := it.Close(); err != nil {
			return err
		}
	}
	v := binary.BigEndian.AppendUint64(nil, letters)
	return batch.Set(format.MetaDead, binary.BigEndian.AppendUint64(v, bytes), nil)
}

// fixClock has all that is stored count as new, where the log does not say what the clock has skipped.
func (b *Buffer) fixClock(batch *pebble.Batch) error {
	_, ok, err := getMaybe(b.db, format.MetaClock)
	if ok || err != nil {
		return err
	}
	_, next := b.events.Next()
	f, err := b.lastIntact(b.events.First(), next-1)
	if err != nil {
		return err
	}
	return batch.Set(format.MetaClock, encodeClock(clock.AllNew(f.trailer.StoredAt)), nil)
}

// loadLost learns up to which position the progress of consumers may have been lost.
func (b *Buffer) loadLost() error {
	v, ok, err := getMaybe(b.db, format.MetaLost)
	if err != nil || !ok {
		return err
	}
	if len(v) != 8 {
		return fmt.Errorf("reading what was lost: %w", format.ErrDamaged)
	}
	b.lostBefore = binary.BigEndian.Uint64(v)
	return nil
}

// mayHaveLost reports whether a consumer that the store does not know may have had a position once, and events that it
// has not settled are still there. It must not miss them.
func (b *Buffer) mayHaveLost() bool { return b.first.Load() < b.lostBefore }
