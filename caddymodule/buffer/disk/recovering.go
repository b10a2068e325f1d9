package disk

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// recoverWriters is how many events are on their way to the disk together, so that they share syncs.
const recoverWriters = 32

// recovering gives back what a survey has found, side by side, the events of one lane one after the other.
type recovering struct {
	b     *Buffer
	ctx   context.Context
	stop  context.CancelCauseFunc
	seed  maphash.Seed
	lanes []chan returned
	group sync.WaitGroup
	// sent is how many are on their way or back.
	sent uint64

	stored, known, refused atomic.Uint64
}

// returned is an event to be appended, or with a key a dead letter to be put back.
type returned struct {
	event      *buffer.Event
	letter     bool
	conflict   bool
	key, value []byte
}

func newRecovering(ctx context.Context, b *Buffer) *recovering {
	r := &recovering{b: b, seed: maphash.MakeSeed()}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	for range recoverWriters {
		lane := make(chan returned, 1)
		r.lanes = append(r.lanes, lane)
		r.group.Go(func() { r.write(lane) })
	}
	return r
}

// run reads the files of a survey once more, and gives back what it has found.
func (r *recovering) run(s *survey) error {
	if !s.part && !s.storeLost {
		err := readDamagedStore(r.ctx, s.b.opts.FS, s.storeFolder, func(key, value []byte) error {
			return r.giveKept(s, 0, key, value)
		}, func(uint64) {})
		if err != nil {
			return err
		}
	}
	return eventlog.ScanFiles(s.b.opts.FS, s.folder, func(g eventlog.Scanned) error {
		for i, raw := range g.Records {
			e, _, err := format.DecodeEvent(raw, g.First+uint64(i))
			if err != nil {
				continue // the survey has counted it
			}
			if err := r.give(e.Lane(), returned{event: &e}); err != nil {
				return err
			}
		}
		var failed error
		eachChange(g.Batch, func(kind pebble.InternalKeyKind, key, value []byte) {
			if failed == nil && kind == pebble.InternalKeyKindSet && isKept(key) {
				failed = r.giveKept(s, g.Number, key, value)
			}
		})
		return failed
	})
}

// giveKept gives back what a group has under a key, if the survey has kept that.
func (r *recovering) giveKept(s *survey, group uint64, key, value []byte) error {
	k := s.kept[string(key)]
	if k == nil || k.group != group {
		return nil
	}
	if k.fate == putBack {
		return r.give(string(key), returned{key: bytes.Clone(key), value: bytes.Clone(value)})
	}
	if _, e, ok := openKept(key, value); ok {
		return r.give(e.Lane(), returned{event: &e, letter: k.ofNone(), conflict: k.ofNone() && k.conflict})
	}
	return nil
}

func (r *recovering) give(lane string, what returned) error {
	if what.event != nil {
		what.event.Position = 0
	}
	r.sent++
	select {
	case r.lanes[maphash.String(r.seed, lane)%recoverWriters] <- what:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

func (r *recovering) write(lane <-chan returned) {
	for what := range lane {
		store := r.append
		if what.key != nil {
			store = r.putBack
		}
		result, err := store(&what)
		if err != nil {
			r.stop(err)
			return
		}
		result.Add(1)
	}
}

// append returns which result counts it.
func (r *recovering) append(what *returned) (*atomic.Uint64, error) {
	a, err := r.b.append(r.ctx, what.event, recovery{conflict: what.conflict})
	if err == nil && !what.letter && a.Duplicate && !a.Differs && r.b.cannotRead(a.Position) {
		a, err = r.b.append(r.ctx, what.event, recovery{instead: a.Position})
	}
	switch {
	case !a.Duplicate, a.lettered:
		return &r.stored, err
	case a.Differs && !a.Kept:
		return &r.refused, err
	}
	return &r.known, err
}

// putBack stores a dead letter as it was. Its position is that of no other event: those that were set aside are never
// given again.
func (r *recovering) putBack(what *returned) (*atomic.Uint64, error) {
	if err := r.b.full(len(what.value)); err != nil {
		return nil, err
	}
	there := false
	err := r.b.change(r.ctx, func(g *group) error {
		var err error
		if _, there, err = getMaybe(g.db, what.key); err != nil || there {
			return err
		}
		_ = g.batch.Set(what.key, what.value, nil)
		g.countAside(1, int64(format.Cost(len(what.value))))
		return nil
	})
	if there {
		return &r.known, err
	}
	return &r.stored, err
}

// cannotRead reports whether a stored event is damaged. One that is trimmed is not.
func (b *Buffer) cannotRead(position uint64) bool {
	if position < b.first.Load() {
		return false
	}
	_, _, err := b.readEvent(position)
	return isDamage(err) && position >= b.first.Load()
}

// finish waits for what is on its way, and returns what has stopped it.
func (r *recovering) finish() error {
	for _, lane := range r.lanes {
		close(lane)
	}
	r.group.Wait()
	err := context.Cause(r.ctx)
	r.stop(errors.New("done"))
	return err
}
