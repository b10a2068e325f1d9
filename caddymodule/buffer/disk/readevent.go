package disk

import (
	"errors"
	"fmt"
	"sort"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// found is one event, or what is left of it.
type found struct {
	event buffer.Event
	raw   []byte
	err   error
}

// readEvent returns an event and its record. A damaged record is returned beside the error.
func (b *Buffer) readEvent(position uint64) (buffer.Event, []byte, error) {
	if position < b.first.Load() {
		return buffer.Event{}, nil, fmt.Errorf("reading event %d: %w", position, eventlog.ErrNotFound)
	}
	raw, err := b.events.Read(position)
	if err != nil {
		return buffer.Event{}, nil, fmt.Errorf("reading event %d: %w", position, err)
	}
	e, _, err := format.DecodeEvent(raw, position)
	if err != nil {
		if raw, err = b.events.Read(position); err == nil {
			e, _, err = format.DecodeEvent(raw, position)
		}
	}
	if err != nil {
		return buffer.Event{}, raw, fmt.Errorf("reading event %d: %w", position, err)
	}
	return e, raw, nil
}

// readEvent returns an event that the consumer has leased, and its record: from the consumer's own
// copy where it has one and the event is trimmed or damaged.
func (st *consumerState) readEvent(b *Buffer, db *store.DB, position uint64, was lease) (buffer.Event, []byte, error) {
	e, raw, err := b.readEvent(position)
	if !was.deferred || !isDamage(err) {
		return e, raw, err
	}
	own, ok, getErr := getMaybe(db, format.CopyKey(st.name, position))
	if getErr != nil {
		return buffer.Event{}, nil, fmt.Errorf("reading the copy of event %d: %w", position, getErr)
	}
	if !ok {
		return e, raw, err
	}
	if e, _, err = format.DecodeEvent(own, position); err != nil {
		return buffer.Event{}, own, fmt.Errorf("reading the copy of event %d: %w", position, err)
	}
	return e, own, nil
}

// decoded is the event of a record that was read. A record that seems damaged is read once more, as a bit may have been
// flipped on the way from the disk.
func (b *Buffer) decoded(position uint64, raw []byte, err error) found {
	f := found{err: err}
	if err == nil {
		f.event, _, f.err = format.DecodeEvent(raw, position)
	}
	if f.err != nil {
		f.event, f.raw, f.err = b.readEvent(position)
	}
	f.event.Position = position
	return f
}

// isDamage tells what is wrong with one record from what is wrong with the disk. An event
// that is leased and not there at all is damage too.
func isDamage(err error) bool {
	return errors.Is(err, format.ErrDamaged) || errors.Is(err, eventlog.ErrDamaged) ||
		errors.Is(err, eventlog.ErrNotFound) ||
		err != nil && pebble.IsCorruptionError(err)
}

// intact is a position whose record is intact, 0 where there is none. cost is what it counts for.
type intact struct {
	position, cost uint64
	trailer        format.Trailer
}

// firstIntact returns the first intact record between two positions.
func (b *Buffer) firstIntact(from, to uint64) (s intact, err error) {
	err = b.events.Scan(from, to, s.take)
	return s, err
}

// lastIntact returns the last intact record between two positions.
func (b *Buffer) lastIntact(from, to uint64) (s intact, err error) {
	err = b.events.ScanBack(from, to, s.take)
	return s, err
}

func (s *intact) take(position uint64, raw []byte, err error) bool {
	if err != nil {
		return true
	}
	_, t, err := format.OpenRecord(raw, position)
	if err != nil {
		return true
	}
	s.position, s.trailer, s.cost = position, t, format.Cost(len(raw))
	return false
}

// storedSince returns the position of the first event that was stored at a time or later, the one
// behind the newest if there is none. The clock grows with the position.
func (b *Buffer) storedSince(at int64) (uint64, error) {
	first, last := b.first.Load(), b.durable.Load()
	var failed error
	n := sort.Search(int(last+1-first), func(i int) bool {
		f, err := b.firstIntact(first+uint64(i), last)
		failed = errors.Join(failed, err)
		return f.position == 0 || f.trailer.StoredAt >= at
	})
	return first + uint64(n), failed
}
