package disk

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// setAside makes a dead letter of an event that cannot be read back, and settles it for this consumer. It does not
// wait: the lease stays until that is durable.
func (c *Consumer) setAside(position uint64, was lease, raw []byte, cause error) {
	b := c.b
	t := &settleTask{waiter: newWaiter(), st: c.st, bytes: len(raw) + 64}
	it := settlement{outcome: buffer.Outcome{Position: position, Verb: buffer.Skip}, was: was, claimed: true}
	if b.firstDamage(position) {
		b.counters.corrupt.Add(1)
		b.log.Error("buffer: a stored event cannot be read back, it is set aside as a dead letter", "position", position, "error", failstop.OneLine(cause.Error()))
		it.letter = &format.DeadLetter{Reason: buffer.ReasonUnreadable, Position: position, Record: raw, Damaged: true, Note: failstop.OneLine(cause.Error())}
	}
	t.items = []settlement{it}
	c.st.mu.Lock()
	c.st.settling++
	was.settling = true
	c.st.leased[position] = was
	c.st.mu.Unlock()
	if err := b.committer.send(context.Background(), t); err != nil {
		// Closed or halted: it is met again after the next open.
		c.st.unclaim(t.items)
	}
}

// firstDamage reports whether no consumer has seen this position damaged before.
func (b *Buffer) firstDamage(position uint64) bool {
	b.damagedMu.Lock()
	defer b.damagedMu.Unlock()
	if _, ok := b.damaged[position]; ok {
		return false
	}
	b.damaged[position] = struct{}{}
	return true
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
	return errors.Is(err, format.ErrDamaged) || errors.Is(err, eventlog.ErrDamaged) || errors.Is(err, eventlog.ErrNotFound) ||
		err != nil && pebble.IsCorruptionError(err)
}
