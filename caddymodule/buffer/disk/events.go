package disk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// eventsAtOnce and eventsBytes bound what one read of Events holds in memory.
const (
	eventsAtOnce = 128
	eventsBytes  = 1 << 20
)

// Events implements buffer.Buffer. What is stored while it runs is not yielded; what is trimmed
// may be. It holds nothing while the caller has the turn.
func (b *Buffer) Events(ctx context.Context, r buffer.Range) iter.Seq2[buffer.Event, error] {
	return func(yield func(buffer.Event, error) bool) {
		from, to, err := b.bounds(r)
		if err != nil {
			yield(buffer.Event{}, fmt.Errorf("reading events: %w", err))
			return
		}
		for from <= to {
			if err := ctx.Err(); err != nil {
				yield(buffer.Event{}, err)
				return
			}
			events, next, err := b.readEvents(from, to, r.Backwards)
			for _, f := range events {
				if !yield(f.event, f.err) {
					return
				}
			}
			if err != nil {
				yield(buffer.Event{}, fmt.Errorf("reading events: %w", err))
				return
			}
			if r.Backwards {
				to = next
			} else {
				from = next
			}
		}
	}
}

// bounds turns a range into positions.
func (b *Buffer) bounds(r buffer.Range) (from, to uint64, err error) {
	err = b.use(func(db *pebble.DB) error {
		from, to = max(r.First, b.first.Load(), 1), b.durable.Load()
		if r.Last > 0 {
			to = min(to, r.Last)
		}
		if !r.Since.IsZero() {
			at, err := b.storedSince(db, r.Since.UnixNano())
			if err != nil {
				return err
			}
			from = max(from, at)
		}
		if !r.Until.IsZero() {
			at, err := b.storedSince(db, r.Until.UnixNano())
			if err != nil {
				return err
			}
			to = min(to, at-1)
		}
		return nil
	})
	return from, to, err
}

// readEvents reads some of a range from one end, and returns that end of what is left.
func (b *Buffer) readEvents(from, to uint64, backwards bool) (events []found, next uint64, err error) {
	err = b.use(func(db *pebble.DB) error {
		w := walk{db: db, from: from, to: to, backwards: backwards}
		err := w.run(func(f found) bool {
			if f.err != nil {
				f.event = buffer.Event{Position: f.event.Position}
			}
			events = append(events, f)
			return len(events) < eventsAtOnce && w.bytes < eventsBytes
		})
		next = w.next()
		return err
	})
	return events, next, err
}

// walk goes through stored events, over damaged blocks too.
type walk struct {
	db        *pebble.DB
	from, to  uint64
	backwards bool
	bytes     int
}

// next returns the end of what is left. An empty rest is from > to.
func (w *walk) next() uint64 {
	if w.backwards {
		return w.to
	}
	return w.from
}

// pass takes a position off the rest.
func (w *walk) pass(position uint64) {
	if w.backwards {
		w.to = position - 1
	} else {
		w.from = position + 1
	}
}

// run calls f with one event after the other until it returns false.
func (w *walk) run(f func(found) bool) error {
	for w.from <= w.to {
		more, err := w.runSound(f)
		if !more || err == nil || !pebble.IsCorruptionError(err) {
			return err
		}
		// A damaged block holds several events; each is tried by itself.
		position := w.next()
		e, missing, err := readOne(w.db, position)
		if err != nil {
			return err
		}
		w.pass(position)
		if !missing && !f(e) {
			return nil
		}
	}
	return nil
}

// runSound goes on as far as the store can be iterated. more is false when f had enough.
func (w *walk) runSound(f func(found) bool) (more bool, err error) {
	it, err := w.db.NewIter(&pebble.IterOptions{
		LowerBound: appendEventKey(nil, w.from),
		UpperBound: appendEventKey(nil, w.to+1),
	})
	if err != nil {
		return true, err
	}
	defer it.Close()
	start, step := it.First, it.Next
	if w.backwards {
		start, step = it.Last, it.Prev
	}
	for ok := start(); ok; ok = step() {
		position, valid := eventPosition(it.Key())
		if !valid {
			continue
		}
		var e found
		e.event, _, e.err = decodeEvent(it.Value(), position)
		e.event.Position = position
		w.bytes += len(it.Value())
		w.pass(position)
		if !f(e) {
			return false, nil
		}
	}
	if err := it.Error(); err != nil {
		return true, err
	}
	w.from, w.to = 1, 0
	if !w.backwards {
		w.from = math.MaxUint64
	}
	return true, nil
}

// Event implements buffer.Buffer.
func (b *Buffer) Event(ctx context.Context, position uint64) (e buffer.Event, err error) {
	if err := ctx.Err(); err != nil {
		return buffer.Event{}, err
	}
	err = b.use(func(db *pebble.DB) (err error) {
		if position > b.durable.Load() {
			return fmt.Errorf("reading event %d: %w", position, buffer.ErrNotFound)
		}
		e, _, err = readEvent(db, position)
		if errors.Is(err, pebble.ErrNotFound) {
			return fmt.Errorf("reading event %d: %w", position, buffer.ErrNotFound)
		}
		return err
	})
	return e, err
}

// Lookup implements buffer.Buffer.
func (b *Buffer) Lookup(ctx context.Context, source, id string) (position uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	key := makeDedupeKey(source, id)
	err = b.use(func(db *pebble.DB) error {
		if b.dedupe.filter.excludes(key) {
			return buffer.ErrNotFound
		}
		s, ok, err := b.findSeen(db, key, b.now().UnixNano(), b.limits.Load().DedupeWindow)
		if err == nil && (!ok || s.position > b.durable.Load()) {
			err = buffer.ErrNotFound
		}
		position = s.position
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("looking up an event: %w", err)
	}
	return position, nil
}
