package disk

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// eventsAtOnce and eventsBytes bound what one read of Events holds in memory.
const (
	eventsAtOnce = 128
	eventsBytes  = 1 << 20
)

// Events implements buffer.Buffer. What is stored while it runs is not yielded; what is trimmed may be. It holds no
// lock while the caller has the turn.
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
	err = b.use(func(*store.DB) error {
		from, to = max(r.First, b.first.Load(), 1), b.durable.Load()
		if r.Last > 0 {
			to = min(to, r.Last)
		}
		if !r.Since.IsZero() {
			at, err := b.storedSince(r.Since.UnixNano())
			if err != nil {
				return err
			}
			from = max(from, at)
		}
		if !r.Until.IsZero() {
			at, err := b.storedSince(r.Until.UnixNano())
			if err != nil {
				return err
			}
			to = min(to, at-1)
		}
		return nil
	})
	return from, to, err
}

// readEvents reads part of a range from one end, and returns that end of the rest.
func (b *Buffer) readEvents(from, to uint64, backwards bool) (events []found, next uint64, err error) {
	next = to + 1
	scan := b.events.Scan
	if backwards {
		next, scan = from-1, b.events.ScanBack
	}
	size := 0
	err = b.use(func(*store.DB) error {
		return scan(max(from, b.first.Load()), to, func(position uint64, raw []byte, err error) bool {
			f := b.decoded(position, raw, err)
			events = append(events, f)
			size += len(raw)
			if len(events) < eventsAtOnce && size < eventsBytes {
				return true
			}
			next = position + 1
			if backwards {
				next = position - 1
			}
			return false
		})
	})
	return events, next, err
}

// Event implements buffer.Buffer.
func (b *Buffer) Event(ctx context.Context, position uint64) (e buffer.Event, err error) {
	if err := ctx.Err(); err != nil {
		return buffer.Event{}, err
	}
	err = b.use(func(*store.DB) (err error) {
		if position > b.durable.Load() {
			return fmt.Errorf("reading event %d: %w", position, buffer.ErrNotFound)
		}
		e, _, err = b.readEvent(position)
		if errors.Is(err, eventlog.ErrNotFound) {
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
	key := format.MakeDedupeKey(source, id)
	err = b.use(func(db *store.DB) error {
		if b.dedupe.Excludes(key) {
			return buffer.ErrNotFound
		}
		s, ok, err := b.findSeen(db, key, b.clock.Ago(b.limits.Load().DedupeWindow))
		if err == nil && (!ok || s.Position > b.durable.Load()) {
			err = buffer.ErrNotFound
		}
		position = s.Position
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("looking up an event: %w", err)
	}
	return position, nil
}
