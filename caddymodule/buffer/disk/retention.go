package disk

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const (
	sweepEvery    = 30 * time.Second
	pressureEvery = time.Second
)

// keep looks after the limits until Close or the seal.
func (b *Buffer) keep() {
	sweep, pressure := time.NewTicker(sweepEvery), time.NewTicker(pressureEvery)
	defer sweep.Stop()
	defer pressure.Stop()
	// idle: the last trim that was asked for found nothing, so the next ones wait for the tick.
	idle := false
	b.testify(false)
	for {
		select {
		case <-b.closing:
			return
		case <-b.seal.broken:
			return
		case <-pressure.C:
			idle = false
			b.checkHeadroom()
			if b.witness.outdated() {
				b.testify(false)
			}
			if b.tight.Load() || b.nearFull() {
				idle = !b.trimAndLog()
			}
		case <-sweep.C:
			b.trimAndLog()
			b.testify(false)
		case <-b.sweep:
			if !idle {
				idle = !b.trimAndLog()
			}
		}
	}
}

// trimAndLog says whether anything went.
func (b *Buffer) trimAndLog() bool {
	before := b.bytes()
	if err := b.trim(context.Background()); err != nil && !errors.Is(err, buffer.ErrClosed) && b.seal.err() == nil {
		b.log.Error("buffer: trimming old events failed, it is tried again", "error", oneLine(err.Error()))
	}
	gone := b.bytes() < before
	if gone && b.missing.Load() > 0 {
		b.reclaim()
	}
	return gone
}

// trim removes what retention no longer keeps.
func (b *Buffer) trim(ctx context.Context) error {
	b.trimming.Lock()
	defer b.trimming.Unlock()
	now := b.now()
	limits := b.trimLimits(now)
	to, pressed, err := b.trimPoint(limits, now)
	if err != nil {
		return fmt.Errorf("finding old events: %w", err)
	}
	if to > 0 && b.missing.Load() > 0 {
		b.tightTrim = now
	}
	for more := true; more; {
		t := &trimTask{
			waiter: newWaiter(), to: to, pressed: pressed,
			lettersBefore: deadLetterKey(now.Add(-limits.DeadLetterRetention), 0, ""),
		}
		done, err := b.committer.do(ctx, t, &t.waiter)
		if err != nil {
			return err
		}
		more = done && t.moreLetters
	}
	return nil
}

// trimPoint finds the last position that may go and that age or want of room wants gone, 0 for none.
// pressed: it takes from orphans what they still might hold.
func (b *Buffer) trimPoint(limits *Limits, now time.Time) (to uint64, pressed bool, err error) {
	excess := b.excess(limits, now)
	limit, holders, err := b.settledUpTo(now.UnixNano(), limits, false)
	if err != nil {
		return 0, false, err
	}
	to, freed, err := b.findTrim(limit, now.Add(-limits.Retention).UnixNano(), excess)
	if err != nil || excess <= freed {
		return to, false, err
	}
	// Orphans give way only where that keeps events from being refused.
	if b.missing.Load() > 0 || int64(b.bytes())-freed >= hundredths(limits.MaxSize, orphansAbove) {
		if limit, holders, err = b.settledUpTo(now.UnixNano(), limits, true); err != nil {
			return 0, false, err
		}
		further, _, err := b.findTrim(limit, math.MinInt64, excess)
		if err != nil {
			return 0, false, err
		}
		if further > to {
			return further, true, nil
		}
	}
	if to == 0 {
		b.warnHolders(holders, limit+1, now)
	}
	return to, false, nil
}

// warnHolders says what keeps the buffer full, once in a while. The caller holds trimming.
func (b *Buffer) warnHolders(holders []string, position uint64, now time.Time) {
	if now.Sub(b.warnedAt) < sweepEvery {
		return
	}
	b.warnedAt = now
	if position > b.durable.Load() {
		b.log.Warn("buffer: near its limit, and no more events can go: dead letters take the room",
			"dead letters", b.deadCount.Load(), "bytes", b.asideBytes.Load())
		return
	}
	if removed := b.withoutHandler(holders); len(removed) > 0 {
		b.log.Warn("buffer: near its limit, and nothing can go: these consumers have not settled the oldest event; "+
			"what one without a handler has not settled is kept for a while in case its handler comes back, forget it to make room at once",
			"consumers", strings.Join(holders, ", "), "removed", strings.Join(removed, ", "), "kept for", orphanGrace, "position", position)
		return
	}
	b.log.Warn("buffer: near its limit, and nothing can go: these consumers have not settled the oldest event",
		"consumers", strings.Join(holders, ", "), "position", position)
}

// withoutHandler returns those of the consumers that are orphans.
func (b *Buffer) withoutHandler(names []string) (orphans []string) {
	for _, name := range names {
		if st := b.consumerNamed(name); st != nil && st.getStanding().orphanedSince != 0 {
			orphans = append(orphans, name)
		}
	}
	return orphans
}

// findTrim returns the last position up to limit that goes: all that were stored up to cutoff, and more until
// excess bytes are freed.
func (b *Buffer) findTrim(limit uint64, cutoff, excess int64) (to uint64, freed int64, err error) {
	if limit < b.first.Load() {
		return 0, 0, nil
	}
	err = b.use(func(db *pebble.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{
			LowerBound: appendEventKey(nil, b.first.Load()),
			UpperBound: appendEventKey(nil, limit+1),
		})
		if err != nil {
			return err
		}
		defer it.Close()
		if !it.First() {
			return it.Error()
		}
		first, _ := eventPosition(it.Key())
		var before int64
		if t, ok := trailerFrom(it, first); ok {
			before = int64(t.total)
			if _, _, err := openRecord(it.Value(), first); err == nil {
				before -= int64(cost(len(it.Value())))
			}
		}
		// Clock and size grow with the position, so the first event that stays can be searched for. What
		// one frees is known from the one behind it.
		n := sort.Search(int(limit+1-first), func(i int) bool {
			p := first + uint64(i)
			t, ok := trailerFrom(it, p)
			return ok && t.storedAt > cutoff && b.freedBefore(it, p, before) >= excess
		})
		if n == 0 {
			return nil
		}
		to = first + uint64(n) - 1
		freed = b.freedBefore(it, to+1, before)
		return nil
	})
	return to, freed, err
}

// freedBefore returns how much the events before a position take, of those that it can iterate.
func (b *Buffer) freedBefore(it *pebble.Iterator, position uint64, before int64) int64 {
	for ok := it.SeekLT(appendEventKey(nil, position)); ok; ok = it.Prev() {
		p, _ := eventPosition(it.Key())
		if _, t, err := openRecord(it.Value(), p); err == nil {
			return int64(t.total) - before
		}
	}
	return 0
}

// trailerFrom reads the trailer of the first sound record at or behind a position.
func trailerFrom(it *pebble.Iterator, position uint64) (trailer, bool) {
	for ok := it.SeekGE(appendEventKey(nil, position)); ok; ok = it.Next() {
		p, _ := eventPosition(it.Key())
		if _, t, err := openRecord(it.Value(), p); err == nil {
			return t, true
		}
	}
	return trailer{}, false
}

// settledUpTo returns the position up to which every consumer that holds events, open or not, has
// settled everything, and who holds it there.
func (b *Buffer) settledUpTo(now int64, l *Limits, pressed bool) (limit uint64, holders []string, err error) {
	limit = b.durable.Load()
	for _, st := range b.allConsumers() {
		if !st.holds(now, l, pressed) {
			continue
		}
		var up uint64
		err := b.use(func(db *pebble.DB) (err error) {
			up, err = st.settledUpTo(db, b.first.Load(), 0)
			return err
		})
		if err != nil {
			return 0, nil, err
		}
		if up < limit {
			limit, holders = up, nil
		}
		if up == limit {
			holders = append(holders, st.name)
		}
	}
	return limit, holders, nil
}
