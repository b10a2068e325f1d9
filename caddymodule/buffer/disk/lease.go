package disk

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// leaseBytes bounds what one Lease call reads, however much room there is; one event
// is handed out in any case.
const leaseBytes = 8 << 20

// Lease implements buffer.Consumer.
func (c *Consumer) Lease(ctx context.Context, room buffer.Room) ([]buffer.Lease, error) {
	leases, err := c.lease(ctx, room)
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("leasing events: %w", err)
	}
	return leases, err
}

func (c *Consumer) lease(ctx context.Context, room buffer.Room) ([]buffer.Lease, error) {
	if room.Events < 1 || room.Bytes < 0 {
		return nil, fmt.Errorf("room for %d events of %d bytes: it must be for one event at least",
			room.Events, room.Bytes)
	}
	if room.Bytes == 0 || room.Bytes > leaseBytes {
		room.Bytes = leaseBytes
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.closed:
		return nil, buffer.ErrClosed
	}
	for {
		changed := c.st.changed.wait()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.usable(); err != nil {
			return nil, err
		}
		leases, more, err := c.scan(room)
		if err != nil || len(leases) > 0 {
			return leases, err
		}
		if more {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-c.closed:
		case <-c.b.closing:
		case <-c.b.failure.Halted:
		}
	}
}

// bounds returns the next positions that may be handed out. Nothing beyond what is
// synced ever is.
func (c *Consumer) bounds() (from, to uint64) {
	c.st.mu.Lock()
	defer c.st.mu.Unlock()
	// What is trimmed was settled, or was gone before the consumer was there.
	first := c.b.first.Load()
	c.st.progress.SkipTo(first - 1)
	return max(c.st.cursor, first), min(c.b.durable.Load(), c.st.progress.Low+format.Window)
}

// scan reads on from the cursor. more says that it moved without a result.
func (c *Consumer) scan(room buffer.Room) (leases []buffer.Lease, more bool, err error) {
	from, to := c.bounds()
	if from > to {
		return nil, false, nil
	}
	var events []found
	var next uint64
	err = c.b.use(func(*store.DB) (err error) {
		events, next, err = c.read(from, to, room)
		return err
	})
	if err != nil && len(events) == 0 {
		return nil, false, err
	}
	leases, bad, err := c.take(events, from, next)
	for _, f := range bad {
		c.setAside(f.event.Position, lease{}, f.raw, f.err)
	}
	return leases, len(leases) == 0, err
}

// take makes leases of what was read, and moves the cursor. Positions without an event are gaps,
// which count as settled.
func (c *Consumer) take(events []found, from, next uint64) (leases []buffer.Lease, bad []found, err error) {
	st := c.st
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.handle != c {
		return nil, nil, buffer.ErrClosed
	}
	leases = make([]buffer.Lease, 0, len(events))
	expected := from
	for _, f := range events {
		position := f.event.Position
		for ; expected < position; expected++ {
			st.markGap(expected)
		}
		expected = position + 1
		if st.has(position) {
			continue
		}
		st.leased[position] = lease{}
		if f.err != nil {
			bad = append(bad, f)
			continue
		}
		leases = append(leases, buffer.Lease{Event: f.event})
	}
	for ; expected < next; expected++ {
		st.markGap(expected)
	}
	st.cursor = next
	return leases, bad, nil
}

// read returns the events of a range for which there is room, and the position to go on with.
func (c *Consumer) read(from, to uint64, room buffer.Room) (events []found, next uint64, err error) {
	events = make([]found, 0, min(uint64(room.Events), to-from+1))
	next = from
	size := 0
	enough := false
	var failed error
	err = c.b.events.Scan(from, to, func(position uint64, raw []byte, err error) bool {
		next = position + 1
		if c.passed(position) {
			return true
		}
		f := c.b.decoded(position, raw, err)
		if f.err != nil && !isDamage(f.err) {
			failed, next = f.err, position
			return false
		}
		if size += len(f.event.Body); !room.Takes(len(events), size) {
			enough, next = true, position
			return false
		}
		events = append(events, f)
		enough = len(events) == room.Events
		return !enough
	})
	if err == nil {
		err = failed
	}
	if err == nil && !enough {
		next = to + 1
	}
	return events, next, err
}

// passed reports whether the consumer has the position behind it or in hand.
func (c *Consumer) passed(position uint64) bool {
	c.st.mu.Lock()
	defer c.st.mu.Unlock()
	return c.st.has(position)
}
