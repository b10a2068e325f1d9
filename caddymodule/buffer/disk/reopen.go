package disk

import (
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// findOld reads what the group's reopenings need, before anything is staged, so that a
// failed read fails the task alone.
func (t *settleTask) findOld(g *group) error {
	for i := range t.items {
		it := &t.items[i]
		if it.outcome.Verb != buffer.Reopen {
			continue
		}
		if err := it.findOld(g.b, g.db, t.st.name); err != nil {
			return fmt.Errorf("event %d: %w", it.outcome.Position, err)
		}
	}
	return nil
}

func (it *settlement) findOld(b *Buffer, db *store.DB, name string) error {
	position := it.outcome.Position
	it.old = stored{}
	if position == 0 {
		return nil
	}
	_, _, err := b.readEvent(position)
	if err != nil && !isDamage(err) {
		return err
	}
	it.old.whole = err == nil
	if _, it.old.deferred, err = getMaybe(db, format.DeferredAtKey(name, position)); err != nil {
		return err
	}
	if it.outcome.Letter == "" {
		return nil
	}
	key, ok := letterKey(it.outcome.Letter)
	if !ok {
		return nil // as if it were gone
	}
	raw, ok, err := getMaybe(db, key)
	if err != nil || !ok {
		return err
	}
	it.old.letter, it.old.letterCost = key, format.Cost(len(raw))
	it.old.record = format.EventOfDeadLetter(raw, position)
	return nil
}

// letterKey returns the key of a dead letter, false for what is no id.
func letterKey(text buffer.DeadLetterID) ([]byte, bool) {
	id, err := format.ParseDeadLetterID(text)
	return id.Key(), err == nil
}

// stageReopen sets a settled event aside again. It returns false when there is nothing to
// reopen. Callers hold mu.
func (st *consumerState) stageReopen(g *group, it *settlement) bool {
	o, old := &it.outcome, &it.old
	deferred, staged := st.staged[o.Position]
	if !staged {
		deferred = old.deferred
	}
	if o.Position == 0 || deferred || !st.progress.Has(o.Position) {
		return false
	}
	if o.Letter != "" && (old.letter == nil || g.lettersGone[string(old.letter)]) {
		return false
	}
	if !old.whole || o.Position <= g.trimmedTo {
		if old.record == nil {
			return false
		}
		_ = g.batch.Set(format.CopyKey(st.name, o.Position), old.record, nil)
		g.countAside(0, int64(format.Cost(len(old.record))))
	}
	if old.letter != nil {
		g.dropLetter(old.letter, old.letterCost)
	}
	st.stageDeferred(g, o, true)
	return true
}
