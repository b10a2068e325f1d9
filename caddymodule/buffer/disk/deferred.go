package disk

import (
	"context"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

const lanesAtOnce = 256

// Lanes implements buffer.Consumer.
func (c *Consumer) Lanes(ctx context.Context) iter.Seq2[buffer.Lane, error] {
	return func(yield func(buffer.Lane, error) bool) {
		from := format.NamePrefix(format.KindDeferred, c.st.name)
		for from != nil {
			if err := ctx.Err(); err != nil {
				yield(buffer.Lane{}, err)
				return
			}
			lanes, next, err := c.readLanes(from)
			for _, l := range lanes {
				if !yield(l, nil) {
					return
				}
			}
			if err != nil {
				yield(buffer.Lane{}, fmt.Errorf("reading lanes: %w", err))
				return
			}
			from = next
		}
	}
}

// readLanes jumps from the first event of one lane to that of the next.
func (c *Consumer) readLanes(from []byte) (lanes []buffer.Lane, next []byte, err error) {
	prefix := format.NamePrefix(format.KindDeferred, c.st.name)
	if err := c.usable(); err != nil {
		return nil, nil, err
	}
	err = c.b.use(func(db *store.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: format.After(prefix)})
		if err != nil {
			return err
		}
		defer func() { _ = it.Close() }()
		for ok := it.SeekGE(from); ok; {
			lane, position, valid := format.SplitDeferredKey(it.Key()[len(prefix):])
			if !valid {
				return fmt.Errorf("deferred event: %w", format.ErrDamaged)
			}
			lanes = append(lanes, buffer.Lane{Name: lane, Position: position, Retry: format.DecodeRetry(it.Value())})
			behind := format.After(format.LanePrefix(c.st.name, lane))
			if len(lanes) == lanesAtOnce {
				next = behind
				return nil
			}
			ok = it.SeekGE(behind)
		}
		return it.Error()
	})
	return lanes, next, err
}

// LeaseDeferred implements buffer.Consumer.
func (c *Consumer) LeaseDeferred(ctx context.Context, lane string, room buffer.Room) ([]buffer.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	leases, err := c.leaseDeferred(lane, room)
	if err != nil {
		return nil, fmt.Errorf("leasing deferred events: %w", err)
	}
	return leases, nil
}

func (c *Consumer) leaseDeferred(lane string, room buffer.Room) ([]buffer.Lease, error) {
	if len(lane) > maxLane {
		return nil, nil
	}
	var taken []buffer.Lease
	err := c.b.use(func(db *store.DB) (err error) {
		if taken, err = c.takeDeferred(db, lane, room.Events); err != nil {
			return err
		}
		return c.fill(db, &taken, lane, room)
	})
	return taken, err
}

// takeDeferred finds and marks what can be leased. The lock is held from before the
// iterator is made: a settlement removes its lease only after its batch can be
// read, so what is seen here and not leased is really there.
func (c *Consumer) takeDeferred(db *store.DB, lane string, limit int) ([]buffer.Lease, error) {
	st := c.st
	prefix := format.LanePrefix(st.name, lane)
	if err := st.learn(db, prefix, 0, func() *seekHint { return st.hints.lane(lane) }); err != nil {
		return nil, err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.handle != c {
		return nil, buffer.ErrClosed
	}
	// nil if it had to give way just now.
	it, err := st.hints.lanes[lane].seek(db, prefix, 0, st.hints.arriving[lane])
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	var taken []buffer.Lease
	for ok := it.Valid(); ok && len(taken) < limit; ok = it.Next() {
		position, valid := format.PositionBehind(prefix, it.Key())
		if !valid {
			continue
		}
		if _, leased := st.leased[position]; leased {
			continue
		}
		taken = append(taken, buffer.Lease{Event: buffer.Event{Position: position},
			Retry: format.DecodeRetry(it.Value())})
	}
	if err := it.Error(); err != nil {
		return nil, err
	}
	for _, l := range taken {
		st.leased[l.Event.Position] = lease{deferred: true, lane: lane}
	}
	return taken, nil
}

// fill reads the events of the leases taken; those that cannot be read are set aside, and those without room
// are given back.
func (c *Consumer) fill(db *store.DB, taken *[]buffer.Lease, lane string, room buffer.Room) error {
	kept := (*taken)[:0]
	size := 0
	for i, l := range *taken {
		was := lease{deferred: true, lane: lane}
		e, raw, err := c.b.readEvent(l.Event.Position)
		if isDamage(err) {
			// Only then there may be a copy.
			if was, err = c.copied(db, l.Event.Position, lane); err == nil {
				e, raw, err = c.st.readEvent(c.b, db, l.Event.Position, was)
			}
		}
		if isDamage(err) {
			c.setAside(l.Event.Position, was, raw, err)
			continue
		}
		if err != nil {
			c.giveBack((*taken)[i:])
			c.giveBack(kept)
			*taken = nil
			return err
		}
		if size += len(e.Body); !room.Takes(len(kept), size) {
			c.giveBack((*taken)[i:])
			break
		}
		l.Event = e
		kept = append(kept, l)
	}
	*taken = kept
	return nil
}

// copied notes in the lease whether the consumer has a copy of its own, and returns the lease.
func (c *Consumer) copied(db *store.DB, position uint64, lane string) (lease, error) {
	size, err := sizeOf(db, format.CopyKey(c.st.name, position))
	c.st.mu.Lock()
	defer c.st.mu.Unlock()
	if l, ok := c.st.leased[position]; ok {
		l.copied = size
		c.st.leased[position] = l
	}
	return lease{deferred: true, lane: lane, copied: size}, err
}

// giveBack takes leases back that never reached the caller.
func (c *Consumer) giveBack(leases []buffer.Lease) {
	c.st.mu.Lock()
	defer c.st.mu.Unlock()
	for _, l := range leases {
		delete(c.st.leased, l.Event.Position)
	}
}
