package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// stageDeadLetter writes a dead letter and keeps count.
func (g *group) stageDeadLetter(d format.DeadLetter) {
	switch {
	case d.Handler != "":
	case d.Reason == buffer.ReasonConflict:
		g.b.counters.conflicts.Add(1)
	default:
		g.b.counters.unreadable.Add(1)
	}
	key, diedAt := g.freeLetterKey(d)
	value := d.Encode(diedAt)
	_ = g.batch.Set(key, value, nil)
	g.countAside(1, int64(format.Cost(len(value))))
}

// freeLetterKey finds a time of death that no other letter of the event has: one may have died, been
// reopened and died again on a clock that stood still.
func (g *group) freeLetterKey(d format.DeadLetter) ([]byte, time.Time) {
	for diedAt := time.Unix(0, g.now); ; diedAt = diedAt.Add(1) {
		key := format.DeadLetterKey(diedAt, d.Position, d.Handler)
		if g.lettersGone[string(key)] {
			delete(g.lettersGone, string(key))
			return key, diedAt
		}
		if _, taken, _ := getMaybe(g.db, key); !taken {
			return key, diedAt
		}
	}
}

// dropLetter removes a dead letter that the store has.
func (g *group) dropLetter(key []byte, cost uint64) {
	if g.lettersGone == nil {
		g.lettersGone = map[string]bool{}
	}
	g.lettersGone[string(key)] = true
	_ = g.batch.Delete(key, nil)
	g.countAside(-1, -int64(cost))
}

// countAside keeps the number of dead letters, and the bytes of what is kept beside the
// events: dead letters and copies of reopened events. Others see the figures when they can see
// the letters.
func (g *group) countAside(letters, bytes int64) {
	c := g.c
	c.letters = max(0, c.letters+letters)
	c.aside = max(0, c.aside+bytes)
	v := binary.BigEndian.AppendUint64(nil, uint64(c.letters))
	_ = g.batch.Set(format.MetaDead, binary.BigEndian.AppendUint64(v, uint64(c.aside)), nil)
	g.counted = true
}

func (b *Buffer) loadDeadCount() error {
	v, err := b.get(format.MetaDead)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil || len(v) != 16 {
		return fmt.Errorf("reading the number of dead letters: %w", errors.Join(err, format.ErrDamaged))
	}
	b.deadCount.Store(binary.BigEndian.Uint64(v))
	b.asideBytes.Store(int64(binary.BigEndian.Uint64(v[8:])))
	return nil
}
