package disk

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
)

// openEvents opens the log, and brings the store up to it. It returns the last group, and the next position and the total size
// behind it.
func (b *Buffer) openEvents() (last, next, total uint64, err error) {
	log, err := eventlog.Open(eventlog.Options{
		FS: b.fence, Dir: b.opts.Path, SegmentSize: b.opts.segment, NoSync: b.opts.noSync,
		Check: func(raw []byte, position uint64) error {
			_, _, err := openRecord(raw, position)
			return err
		},
	})
	if err != nil {
		return 0, 0, 0, err
	}
	b.events = log
	reached, err := b.reached()
	if err != nil {
		return 0, 0, 0, err
	}
	batch := b.db.NewBatch()
	defer batch.Close()
	replayed := 0
	err = log.Replay(reached.group, reached.next, func(g eventlog.Replayed) error {
		replayed++
		batch.Reset()
		if err := batch.SetRepr(append([]byte{}, g.Batch...)); err != nil {
			return fmt.Errorf("%w: group %d: %w", errDamaged, g.Number, err)
		}
		return b.db.Apply(batch, pebble.NoSync)
	})
	if err != nil {
		return 0, 0, 0, err
	}
	if replayed > 0 {
		// What the log now has behind it is no longer looked after by the witness.
		if err := b.db.Flush(); err != nil {
			return 0, 0, 0, err
		}
		if reached, err = b.reached(); err != nil {
			return 0, 0, 0, err
		}
	}
	if group, next := log.Next(); group != reached.group || next != reached.next {
		return 0, 0, 0, fmt.Errorf("%w: the log of events ends with group %d before position %d, the store with group %d before %d",
			errDamaged, group, next, reached.group, reached.next)
	}
	b.applied.Store(reached.group)
	return reached.group, reached.next, reached.total, nil
}

// reach is how far the store is.
type reach struct{ group, next, total uint64 }

// stageReached notes it with the group itself.
func (g *group) stageReached() {
	op := g.batch.SetDeferred(len(metaReached), 24)
	copy(op.Key, metaReached)
	binary.BigEndian.PutUint64(op.Value, g.number)
	binary.BigEndian.PutUint64(op.Value[8:], g.c.next)
	binary.BigEndian.PutUint64(op.Value[16:], g.c.total)
	_ = op.Finish()
}

func (b *Buffer) reached() (reach, error) {
	v, ok, err := getMaybe(b.db, metaReached)
	if err != nil || ok && len(v) != 24 {
		return reach{}, fmt.Errorf("reading how far the store is: %w", joinDamage(err))
	}
	if !ok {
		return reach{next: 1}, nil
	}
	return reach{group: binary.BigEndian.Uint64(v), next: binary.BigEndian.Uint64(v[8:]), total: binary.BigEndian.Uint64(v[16:])}, nil
}

// stageBeginning notes the first position that is kept, and the total size of those before it.
func (g *group) stageBeginning(first, gone uint64) {
	_ = g.batch.Set(metaBeginning, beginning(first, gone), nil)
}

func beginning(first, gone uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, first), gone)
}

func (b *Buffer) loadBeginning() (first, gone uint64, err error) {
	v, ok, err := getMaybe(b.db, metaBeginning)
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
		return errDamaged
	}
	return err
}
