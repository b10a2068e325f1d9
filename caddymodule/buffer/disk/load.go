package disk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// formatVersion is that of all the keys and records together. Version 1 is read as it is; once
// this version has it open, one that knows only version 1 must not.
const (
	formatVersion  = 2
	formatVersion1 = 1
)

// errLaterFormat: the directory is not for this version.
var errLaterFormat = errors.New("a later version wrote it")

// load reads what the buffer keeps in memory: a few records, whatever is stored.
func (b *Buffer) load() (next, total uint64, err error) {
	if err := b.checkFormat(); err != nil {
		return 0, 0, err
	}
	next, total, err = b.loadPositions()
	if err != nil {
		return 0, 0, err
	}
	b.durable.Store(next - 1)
	if err := b.loadDeadCount(); err != nil {
		return 0, 0, err
	}
	if b.dedupe, err = loadDedupe(b.db); err != nil {
		return 0, 0, err
	}
	return next, total, b.loadConsumers()
}

func (b *Buffer) checkFormat() error {
	v, err := b.get(metaFormat)
	if errors.Is(err, pebble.ErrNotFound) {
		return b.db.Set(metaFormat, []byte{formatVersion}, pebble.Sync)
	}
	if err != nil {
		return fmt.Errorf("reading the format version: %w", err)
	}
	if len(v) == 1 && v[0] == formatVersion1 {
		return b.db.Set(metaFormat, []byte{formatVersion}, pebble.Sync)
	}
	if len(v) != 1 || v[0] != formatVersion {
		return fmt.Errorf("%w: the directory has format %v, this version knows only up to %d", errLaterFormat, v, formatVersion)
	}
	return nil
}

// loadPositions finds the first and the next position, and the total size of all
// events so far.
func (b *Buffer) loadPositions() (next, total uint64, err error) {
	floor, err := b.loadFloor()
	if err != nil {
		return 0, 0, err
	}
	last := floor
	it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindEvent}, UpperBound: []byte{kindEvent + 1}})
	if err != nil {
		return 0, 0, err
	}
	defer it.Close()
	var before uint64
	first := uint64(0)
	for ok := it.First(); ok && first == 0; ok = it.Next() {
		first, _ = eventPosition(it.Key())
		if _, t, err := openRecord(it.Value(), first); err == nil {
			before = t.total - cost(len(it.Value()))
		}
	}
	damaged := it.Error()
	if it.Last() {
		p, _ := eventPosition(it.Key())
		last = max(last, p)
		// A damaged last record must not keep the buffer shut; sizes are off then.
		for ok := true; ok; ok = it.Prev() {
			p, _ := eventPosition(it.Key())
			if _, t, err := openRecord(it.Value(), p); err == nil {
				total = t.total
				break
			}
		}
	}
	if damaged == nil {
		damaged = it.Error()
	}
	if damaged != nil && !pebble.IsCorruptionError(damaged) {
		return 0, 0, fmt.Errorf("finding the first and the last event: %w", damaged)
	}
	if damaged != nil {
		// An iterator does not come behind the damage; but no position may be given a second time, and no event be
		// passed over.
		e, err := b.tableBounds(last)
		if err != nil {
			return 0, 0, fmt.Errorf("finding the tables of events: %w", err)
		}
		if first == 0 {
			first = e.first
		}
		last = max(last, e.last)
		total = max(total, before) + e.sizeBeyond
		b.log.Error("buffer: the oldest or the newest events are damaged, the sizes in the figures are off", "error", oneLine(damaged.Error()))
	}
	if first == 0 {
		first = last + 1
	}
	b.first.Store(first)
	b.eventBytes.Store(int64(total - before))
	return last + 1, total, nil
}

// eventBounds are what the store knows of the events without reading them: between which positions its
// tables have some, 0 for none, and the size of the tables that have some beyond a position.
type eventBounds struct {
	first, last uint64
	sizeBeyond  uint64
}

func (b *Buffer) tableBounds(beyond uint64) (e eventBounds, err error) {
	levels, err := b.db.SSTables()
	if err != nil {
		return e, err
	}
	for _, tables := range levels {
		for _, t := range tables {
			smallest, ok := eventPosition(t.Smallest.UserKey)
			largest, also := eventPosition(t.Largest.UserKey)
			// One that deletes may end with a position that was never given: that leaves a gap, which does no harm.
			if !ok || !also {
				continue
			}
			if e.first == 0 || smallest < e.first {
				e.first = smallest
			}
			e.last = max(e.last, largest)
			if largest > beyond {
				e.sizeBeyond += t.Size
			}
		}
	}
	return e, nil
}

// loadFloor reads the position that was given at least, as far as it cannot be seen
// from the events: those at the end may be trimmed, or dead letters only.
func (b *Buffer) loadFloor() (uint64, error) {
	v, err := b.get(metaFloor)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the position floor: %w", err)
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("reading the position floor: %w", errDamaged)
	}
	return binary.BigEndian.Uint64(v), nil
}

// get returns a copy of a small value.
func (b *Buffer) get(key []byte) ([]byte, error) {
	v, closer, err := b.db.Get(key)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte{}, v...), nil
}
