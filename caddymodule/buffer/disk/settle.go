package disk

import (
	"bytes"
	"context"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

const (
	// maxLane bounds a lane's name: its length takes two bytes of a key.
	maxLane = 4096
	// maxMemoKey bounds a memo's key.
	maxMemoKey = 1024
)

// Settle implements buffer.Consumer.
func (c *Consumer) Settle(ctx context.Context, outcomes ...buffer.Outcome) error {
	if err := c.settle(ctx, outcomes); err != nil {
		return fmt.Errorf("settling events: %w", err)
	}
	return nil
}

func (c *Consumer) settle(ctx context.Context, outcomes []buffer.Outcome) error {
	for i := range outcomes {
		if err := c.checkOutcome(&outcomes[i]); err != nil {
			return err
		}
	}
	if err := c.usable(); err != nil {
		return err
	}
	items, err := c.claim(outcomes)
	if err != nil || len(items) == 0 {
		return err
	}
	t := &settleTask{waiter: newWaiter(), st: c.st, items: items}
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
	_, err = t.wait(ctx, c.b.failure)
	return err
}

func (c *Consumer) checkOutcome(o *buffer.Outcome) error {
	switch o.Verb {
	case buffer.Done, buffer.Skip, buffer.Dead, buffer.PutMemo:
	case buffer.Defer, buffer.Reopen:
		if len(o.Lane) > maxLane {
			return fmt.Errorf("event %d: the lane's name has %d bytes; at most %d are allowed", o.Position, len(o.Lane),
				maxLane)
		}
	default:
		return fmt.Errorf("event %d: verb %d is not known", o.Position, o.Verb)
	}
	if o.Verb == buffer.Reopen && o.Letter != "" {
		if l, err := format.ParseDeadLetterID(o.Letter); err == nil &&
			(l.Handler != c.st.name || l.Position != o.Position) {
			return fmt.Errorf("event %d: dead letter %s is of another handler or another event", o.Position, o.Letter)
		}
	}
	if o.Memo != nil {
		if n := len(o.Memo.Key); n < 1 || n > maxMemoKey {
			return fmt.Errorf("event %d: the memo's key has %d bytes; 1 to %d are allowed", o.Position, n, maxMemoKey)
		}
	}
	return nil
}

// claim picks the outcomes of leased events, each lease once, and those that need
// no lease. Memos are copied: the committer may read them after the caller has given up.
func (c *Consumer) claim(outcomes []buffer.Outcome) ([]settlement, error) {
	st := c.st
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.handle != c {
		return nil, buffer.ErrClosed
	}
	items := make([]settlement, 0, len(outcomes))
	for _, o := range outcomes {
		it := settlement{outcome: o, claimed: o.Verb != buffer.Reopen && o.Verb != buffer.PutMemo}
		if it.claimed {
			l, ok := st.leased[o.Position]
			if !ok || l.settling {
				continue
			}
			it.was = l
			l.settling = true
			st.leased[o.Position] = l
		}
		if o.Memo != nil {
			it.outcome.Memo = &buffer.Memo{Key: o.Memo.Key, Value: bytes.Clone(o.Memo.Value)}
		}
		st.hints.arrive(&it.outcome)
		items = append(items, it)
	}
	if len(items) > 0 {
		st.settling++
	}
	return items, nil
}

// attach adds the copies of events that dead letters hold.
func (c *Consumer) attach(t *settleTask) error {
	for i := range t.items {
		it := &t.items[i]
		o := &it.outcome
		t.bytes += 64
		if o.Memo != nil {
			t.bytes += len(o.Memo.Key) + len(o.Memo.Value)
		}
		if o.Verb != buffer.Dead {
			continue
		}
		letter := &format.DeadLetter{Handler: c.st.name, Reason: o.Reason, HandlerReason: o.HandlerReason,
			Retry: o.Retry, Position: o.Position}
		err := c.b.use(func(db *store.DB) error {
			_, raw, err := c.st.readEvent(c.b, db, o.Position, it.was)
			letter.Record = raw
			if isDamage(err) {
				letter.Damaged, letter.Note = true, err.Error()
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
		it.letter = letter
		t.bytes += len(letter.Record)
	}
	return nil
}

func (t *settleTask) size() int { return t.bytes }

func (t *settleTask) stage(g *group) error {
	if err := t.findOld(g); err != nil {
		return err
	}
	st := t.st
	st.mu.Lock()
	defer st.mu.Unlock()
	g.touch(st)
	for i := range t.items {
		it := &t.items[i]
		o := &it.outcome
		switch {
		case it.claimed:
			st.stageOutcome(g, it)
		case o.Verb == buffer.Reopen && !st.stageReopen(g, it):
			continue // ignored, with its memo
		}
		if o.Memo != nil {
			g.stageMemo(st.name, *o.Memo)
		}
	}
	return nil
}

// stageOutcome ends a lease. Callers hold mu.
func (st *consumerState) stageOutcome(g *group, it *settlement) {
	o := &it.outcome
	if it.was.deferred {
		_ = g.batch.Delete(format.DeferredKey(st.name, it.was.lane, o.Position), nil)
		if o.Verb != buffer.Defer {
			_ = g.batch.Delete(format.DeferredAtKey(st.name, o.Position), nil)
			st.staged[o.Position] = false
			st.progress.Deferred -= min(1, st.progress.Deferred)
			if it.was.copied > 0 {
				_ = g.batch.Delete(format.CopyKey(st.name, o.Position), nil)
				g.countAside(0, -int64(format.Cost(it.was.copied)))
			}
		}
	}
	if o.Verb == buffer.Defer {
		st.stageDeferred(g, o, !it.was.deferred)
	}
	if it.letter != nil {
		g.stageDeadLetter(*it.letter)
	}
	st.progress.Mark(o.Position)
}

func (t *settleTask) done(err error) {
	t.st.mu.Lock()
	t.st.settling--
	for i := range t.items {
		it := &t.items[i]
		t.st.hints.arrived(&it.outcome)
		if !it.claimed {
			continue
		}
		delete(t.st.leased, it.outcome.Position)
		if err != nil && t.st.handle != nil {
			// Nothing was written, so the lease stands.
			t.st.leased[it.outcome.Position] = it.was
		}
	}
	t.st.mu.Unlock()
	t.st.changed.wake()
	t.finish(err)
}
