package disk

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// maxLane bounds a lane's name: its length takes two bytes of a key.
const maxLane = 4096

// settleTask is a list of outcomes on its way to the disk.
type settleTask struct {
	waiter
	st    *consumerState
	items []settlement
	bytes int
}

type settlement struct {
	outcome buffer.Outcome
	was     lease
	// letter is set for a dead letter.
	letter *deadLetter
}

// Settle implements buffer.Consumer.
func (c *Consumer) Settle(ctx context.Context, outcomes ...buffer.Outcome) error {
	if err := c.settle(ctx, outcomes); err != nil {
		return fmt.Errorf("settling events: %w", err)
	}
	return nil
}

func (c *Consumer) settle(ctx context.Context, outcomes []buffer.Outcome) error {
	for i := range outcomes {
		if err := checkOutcome(&outcomes[i]); err != nil {
			return err
		}
	}
	if err := c.usable(); err != nil {
		return err
	}
	t := &settleTask{waiter: newWaiter(), st: c.st, items: c.claim(outcomes)}
	if len(t.items) == 0 {
		return nil
	}
	if err := c.attach(t); err != nil {
		c.st.unclaim(t.items)
		return err
	}
	// The committer always makes room, so ctx bounds only the wait: a claim cannot
	// be taken back once another Consumer may have passed it over.
	if err := c.b.committer.send(context.Background(), t); err != nil {
		c.st.unclaim(t.items)
		return err
	}
	_, err := t.wait(ctx, c.b.seal)
	return err
}

func checkOutcome(o *buffer.Outcome) error {
	switch o.Verb {
	case buffer.Done, buffer.Skip, buffer.Dead:
		return nil
	case buffer.Defer:
		if len(o.Lane) > maxLane {
			return fmt.Errorf("event %d: the lane's name has %d bytes; at most %d are allowed", o.Position, len(o.Lane), maxLane)
		}
		return nil
	default:
		return fmt.Errorf("event %d: verb %d is not known", o.Position, o.Verb)
	}
}

// claim picks the outcomes of leased events; each lease can be claimed once.
func (c *Consumer) claim(outcomes []buffer.Outcome) []settlement {
	st := c.st
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.handle != c {
		return nil
	}
	items := make([]settlement, 0, len(outcomes))
	for _, o := range outcomes {
		l, ok := st.leased[o.Position]
		if !ok || l.settling {
			continue
		}
		items = append(items, settlement{outcome: o, was: l})
		l.settling = true
		st.leased[o.Position] = l
	}
	return items
}

func (st *consumerState) unclaim(items []settlement) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, it := range items {
		if st.handle == nil {
			delete(st.leased, it.outcome.Position)
			continue
		}
		st.leased[it.outcome.Position] = it.was
	}
}

// attach adds the copies of events that dead letters hold.
func (c *Consumer) attach(t *settleTask) error {
	for i := range t.items {
		it := &t.items[i]
		t.bytes += 64
		o := &it.outcome
		if o.Verb != buffer.Dead {
			continue
		}
		letter := &deadLetter{handler: c.st.name, reason: o.Reason, code: o.Code, retry: o.Retry, position: o.Position}
		err := c.b.use(func(db *pebble.DB) error {
			_, raw, err := readEvent(db, o.Position)
			letter.record = raw
			if isDamage(err) {
				letter.damaged, letter.note = true, err.Error()
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
		it.letter = letter
		t.bytes += len(letter.record)
	}
	return nil
}

func (t *settleTask) size() int { return t.bytes }

func (t *settleTask) stage(g *group) error {
	st := t.st
	st.mu.Lock()
	defer st.mu.Unlock()
	for i := range t.items {
		it := &t.items[i]
		o := &it.outcome
		if it.was.deferred {
			_ = g.batch.Delete(deferredKey(st.name, it.was.lane, o.Position), nil)
			if o.Verb != buffer.Defer {
				_ = g.batch.Delete(deferredAtKey(st.name, o.Position), nil)
				st.progress.deferred -= min(1, st.progress.deferred)
			}
		}
		if o.Verb == buffer.Defer {
			_ = g.batch.Set(deferredKey(st.name, o.Lane, o.Position), encodeRetry(o.Retry), nil)
			_ = g.batch.Set(deferredAtKey(st.name, o.Position), nil, nil)
			if !it.was.deferred {
				st.progress.deferred++
			}
		}
		if it.letter != nil {
			g.stageDeadLetter(*it.letter)
		}
		st.progress.mark(o.Position)
	}
	g.touch(st)
	return nil
}

func (t *settleTask) done(err error) {
	t.st.mu.Lock()
	for i := range t.items {
		delete(t.st.leased, t.items[i].outcome.Position)
	}
	t.st.mu.Unlock()
	t.st.changed.wake()
	t.finish(err)
}

// setAside makes a dead letter of an event that cannot be read back, and settles
// it for this consumer. It does not wait: the lease stays until it is durable.
func (c *Consumer) setAside(position uint64, was lease, raw []byte, cause error) {
	b := c.b
	t := &settleTask{waiter: newWaiter(), st: c.st, bytes: len(raw) + 64}
	it := settlement{outcome: buffer.Outcome{Position: position, Verb: buffer.Skip}, was: was}
	if b.firstDamage(position) {
		b.counters.corrupt.Add(1)
		b.log.Error("buffer: a stored event cannot be read back, it is set aside as a dead letter", "position", position, "error", oneLine(cause.Error()))
		it.letter = &deadLetter{reason: buffer.ReasonUnreadable, position: position, record: raw, damaged: true, note: oneLine(cause.Error())}
	}
	t.items = []settlement{it}
	c.st.mu.Lock()
	was.settling = true
	c.st.leased[position] = was
	c.st.mu.Unlock()
	if err := b.committer.send(context.Background(), t); err != nil {
		// Closed or sealed: it is met again after the next open.
		c.st.unclaim(t.items)
	}
}

// firstDamage says whether the position was not seen damaged before, by any consumer.
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
func readEvent(db *pebble.DB, position uint64) (buffer.Event, []byte, error) {
	v, closer, err := db.Get(appendEventKey(nil, position))
	if err != nil {
		return buffer.Event{}, nil, fmt.Errorf("reading event %d: %w", position, err)
	}
	defer closer.Close()
	raw := append([]byte{}, v...)
	e, _, err := decodeEvent(raw, position)
	if err != nil {
		return buffer.Event{}, raw, fmt.Errorf("reading event %d: %w", position, err)
	}
	return e, raw, nil
}

// isDamage tells what is wrong with one record from what is wrong with the disk. An event
// that is leased and not there at all is damage too.
func isDamage(err error) bool {
	return errors.Is(err, errDamaged) || errors.Is(err, pebble.ErrNotFound) || err != nil && pebble.IsCorruptionError(err)
}
