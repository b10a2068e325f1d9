package disk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// openEvents opens the log and applies to the store what the store lacks. It returns the last group, and the next
// position and the total size behind it.
func (b *Buffer) openEvents() (last, next, total uint64, err error) {
	log, err := eventlog.Open(eventlog.Options{
		FS: b.fs, Dir: b.opts.Path, SegmentSize: b.opts.segment, NoSync: b.opts.noSync,
		Check: func(raw []byte, position uint64) error {
			_, _, err := format.OpenRecord(raw, position)
			return err
		},
	})
	if err != nil {
		return 0, 0, 0, err
	}
	b.events = log
	if err := b.beginBehind(); err != nil {
		return 0, 0, 0, err
	}
	applied, err := b.loadApplied()
	if err != nil {
		return 0, 0, 0, err
	}
	batch := b.db.NewBatch()
	defer func() { _ = batch.Close() }()
	recovered := 0
	err = log.Recover(applied.group, applied.next, func(g eventlog.Recovered) error {
		recovered++
		batch.Reset()
		if err := batch.SetRepr(append([]byte{}, g.Batch...)); err != nil {
			return fmt.Errorf("%w: group %d: %w", format.ErrDamaged, g.Number, err)
		}
		return b.db.Apply(batch, pebble.NoSync)
	})
	if err != nil {
		return 0, 0, 0, err
	}
	if recovered > 0 {
		// The control file no longer covers what the log has behind it now.
		if err := b.db.Flush(); err != nil {
			return 0, 0, 0, err
		}
		if applied, err = b.loadApplied(); err != nil {
			return 0, 0, 0, err
		}
	}
	if group, next := log.Next(); group != applied.group || next != applied.next {
		return 0, 0, 0, fmt.Errorf("%w: the log of events ends with group %d before position %d, the store with group "+
			"%d before %d",
			format.ErrDamaged, group, next, applied.group, applied.next)
	}
	b.flushed.Store(applied.group)
	return applied.group, applied.next, applied.total, nil
}

// applied is how far the store is: what it has of the log.
type applied struct{ group, next, total uint64 }

// beginBehind has a fresh store give positions beyond all that were given in files which were set aside.
func (b *Buffer) beginBehind() error {
	if b.beginAt == 0 {
		return nil
	}
	_, ok, err := getMaybe(b.db, format.MetaApplied)
	if ok || err != nil {
		return err
	}
	batch := b.db.NewBatch()
	defer func() { _ = batch.Close() }()
	err = errors.Join(batch.Set(format.MetaApplied, applied{next: b.beginAt}.encode(), nil),
		batch.Set(format.MetaBeginning, beginning(b.beginAt, 0), nil), b.db.Apply(batch, pebble.NoSync), b.db.Flush())
	if err != nil {
		return fmt.Errorf("beginning behind what was set aside: %w", err)
	}
	return nil
}

func (a applied) encode() []byte {
	v := binary.BigEndian.AppendUint64(nil, a.group)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(v, a.next), a.total)
}

// stageApplied writes it with the group itself.
func (g *group) stageApplied() {
	op := g.batch.SetDeferred(len(format.MetaApplied), 24)
	copy(op.Key, format.MetaApplied)
	binary.BigEndian.PutUint64(op.Value, g.number)
	binary.BigEndian.PutUint64(op.Value[8:], g.c.next)
	binary.BigEndian.PutUint64(op.Value[16:], g.c.total)
	_ = op.Finish()
}

func (b *Buffer) loadApplied() (applied, error) {
	v, ok, err := getMaybe(b.db, format.MetaApplied)
	if err != nil || ok && len(v) != 24 {
		return applied{}, fmt.Errorf("reading how far the store is: %w", joinDamage(err))
	}
	if !ok {
		return applied{next: 1}, nil
	}
	return applied{group: binary.BigEndian.Uint64(v), next: binary.BigEndian.Uint64(v[8:]),
		total: binary.BigEndian.Uint64(v[16:])}, nil
}

// stageBeginning writes the first position that is kept, and the total size of those before it.
func (g *group) stageBeginning(first, gone uint64) {
	_ = g.batch.Set(format.MetaBeginning, beginning(first, gone), nil)
}

func beginning(first, gone uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, first), gone)
}

func (b *Buffer) loadBeginning() (first, gone uint64, err error) {
	v, ok, err := getMaybe(b.db, format.MetaBeginning)
	if err != nil || ok && len(v) != 16 {
		return 0, 0, fmt.Errorf("reading where the events begin: %w", joinDamage(err))
	}
	if !ok {
		return 1, 0, nil
	}
	return binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:]), nil
}

// joinDamage is err, or damage when there is none.
func joinDamage(err error) error {
	if err == nil {
		return format.ErrDamaged
	}
	return err
}
