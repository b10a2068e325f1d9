package disk

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// stored is what the store has of an event that is to be reopened.
type stored struct {
	// whole: the event record is there and intact.
	whole bool
	// deferred: the consumer has it set aside.
	deferred bool
	// letter is the dead letter's key, letterCost what it counts for, and record the event in it, if
	// that is intact.
	letter     []byte
	letterCost uint64
	record     []byte
}

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

func (it *settlement) findOld(b *Buffer, db *pebble.DB, name string) error {
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
	id, err := format.ParseDeadLetterID(it.outcome.Letter)
	if err != nil {
		return nil // as if it were gone
	}
	key := id.Key()
	raw, ok, err := getMaybe(db, key)
	if err != nil || !ok {
		return err
	}
	it.old.letter, it.old.letterCost = key, format.Cost(len(raw))
	it.old.record = format.EventOfDeadLetter(raw, position)
	return nil
}

// getMaybe returns a copy of a value, and whether it is there.
func getMaybe(db *pebble.DB, key []byte) ([]byte, bool, error) {
	v, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer closer.Close()
	return append([]byte{}, v...), true, nil
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

// readEvent returns an event that the consumer has leased, and its record: from the consumer's own
// copy where it has one and the event is trimmed or damaged.
func (st *consumerState) readEvent(b *Buffer, db *pebble.DB, position uint64, was lease) (buffer.Event, []byte, error) {
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
