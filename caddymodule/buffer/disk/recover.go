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
		Synced: b.fs.Synced, PassLost: b.opts.passLost,
		Check: func(raw []byte, position uint64) error {
			_, _, err := format.OpenRecord(raw, position)
			return err
		},
	})
	if err != nil {
		return 0, 0, 0, err
	}
	b.events = log
	applied, err := b.appliedOrBeginning()
	if err != nil {
		return 0, 0, 0, err
	}
	recovered, err := b.recoverFrom(applied)
	if err != nil {
		return 0, 0, 0, err
	}
	if recovered {
		// The control file no longer covers what the log has behind it now.
		if err := b.db.Flush(); err != nil {
			return 0, 0, 0, err
		}
		if applied, _, err = b.loadApplied(); err != nil {
			return 0, 0, 0, err
		}
	}
	if applied, err = b.finishLost(applied); err != nil {
		return 0, 0, 0, err
	}
	if group, next := log.Next(); group != applied.group || next != applied.next {
		return 0, 0, 0, fmt.Errorf("%w: the log of events ends with group %d before position %d, the store with group "+
			"%d before %d",
			format.ErrDamaged, group, next, applied.group, applied.next)
	}
	if err := b.finishRebuild(applied); err != nil {
		return 0, 0, 0, err
	}
	b.flushed.Store(applied.group)
	return applied.group, applied.next, applied.total, nil
}

// recoverFrom applies to the store what it lacks of the log, and reports whether that was anything.
func (b *Buffer) recoverFrom(a applied) (recovered bool, err error) {
	batch := b.db.NewBatch()
	defer func() { _ = batch.Close() }()
	last := a.group
	err = b.events.Recover(a.group, a.next, func(g eventlog.Recovered) error {
		recovered = true
		before := last
		last = g.Number
		if g.Lost {
			return b.noteLost(g, before)
		}
		batch.Reset()
		if err := batch.SetRepr(append([]byte{}, g.Batch...)); err != nil {
			return fmt.Errorf("%w: group %d: %w", format.ErrDamaged, g.Number, err)
		}
		return b.db.Apply(batch, pebble.NoSync)
	})
	if err != nil {
		return false, err
	}
	lost, most, err := b.lacksEnd()
	if err != nil || !lost {
		return recovered, err
	}
	return true, b.endBehindLost(most)
}

// applied is how far the store is: what it has of the log.
type applied struct{ group, next, total uint64 }

// appliedOrBeginning returns how far the store is. A fresh one begins where the log does; where there is no log either,
// behind all that was set aside.
func (b *Buffer) appliedOrBeginning() (applied, error) {
	a, ok, err := b.loadApplied()
	if ok || err != nil {
		return a, err
	}
	if group, first, ok := b.events.Beginning(); ok {
		return applied{group: group, next: first}, b.beginRebuild(group)
	}
	if b.beginAt == 0 {
		return applied{next: 1}, nil
	}
	a = applied{next: b.beginAt}
	batch := b.db.NewBatch()
	defer func() { _ = batch.Close() }()
	err = errors.Join(batch.Set(format.MetaApplied, a.encode(), nil),
		batch.Set(format.MetaBeginning, beginning(a.next, 0), nil), b.db.Apply(batch, pebble.NoSync), b.db.Flush())
	if err != nil {
		return a, fmt.Errorf("beginning behind what was set aside: %w", err)
	}
	return a, nil
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

// loadApplied returns false where the store has nothing of the log.
func (b *Buffer) loadApplied() (applied, bool, error) {
	v, ok, err := getMaybe(b.db, format.MetaApplied)
	if err != nil || ok && len(v) != 24 {
		return applied{}, false, fmt.Errorf("reading how far the store is: %w", joinDamage(err))
	}
	if !ok {
		return applied{next: 1}, false, nil
	}
	return applied{group: binary.BigEndian.Uint64(v), next: binary.BigEndian.Uint64(v[8:]),
		total: binary.BigEndian.Uint64(v[16:])}, true, nil
}

// known is what the store says of the log, as far as it can be read.
func (b *Buffer) known() (k eventlog.Known) {
	if a, ok, err := b.loadApplied(); err == nil && ok {
		k.Last, k.Next = a.group, a.next
	}
	if first, _, err := b.loadBeginning(); err == nil {
		k.First = first
	}
	return k
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
