package disk

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// keep enforces the limits until Close or a halt.
func (b *Buffer) keep() {
	sweep, pressure := time.NewTicker(sweepEvery), time.NewTicker(pressureEvery)
	defer sweep.Stop()
	defer pressure.Stop()
	// idle: the last trim that was asked for found nothing, so the next ones wait for the tick.
	idle, jumped := false, false
	b.writeControl(false)
	for {
		select {
		case <-b.closing:
			return
		case <-b.failure.Halted:
			return
		case <-pressure.C:
			idle = false
			jumped = b.logJump(jumped)
			b.fs.CheckPlace()
			b.checkHeadroom()
			b.lookExtent()
			b.checkFolder()
			if b.fs.ControlOutdated() {
				b.writeControl(false)
			}
			if b.tight.Load() || b.nearFull() {
				idle = !b.trimAndLog()
			}
		case <-sweep.C:
			b.trimAndLog()
			b.writeControl(false)
			b.lookSetAside()
		case <-b.sweep:
			if !idle {
				idle = !b.trimAndLog()
			}
		}
	}
}

// trimAndLog trims, and reports whether anything went.
func (b *Buffer) trimAndLog() bool {
	before := b.bytes()
	if err := b.trim(context.Background()); err != nil && !errors.Is(err, buffer.ErrClosed) && b.failure.Err() == nil {
		b.log.Error("buffer: trimming old events failed, it is tried again", "error", text.FirstLine(err.Error()))
	}
	gone := b.bytes() < before
	if gone {
		b.removal.fire()
	}
	return gone
}

// trim removes what retention no longer keeps.
func (b *Buffer) trim(ctx context.Context) error {
	b.trimming.Lock()
	defer b.trimming.Unlock()
	now := b.clock.Now()
	limits := b.trimLimits(now)
	to, pressed, err := b.trimPoint(limits, now)
	if err != nil {
		return fmt.Errorf("finding old events: %w", err)
	}
	if to > 0 && b.missing.Load() > 0 {
		b.tightTrim = now
	}
	var letters int64
	defer func() { b.logLetters(letters, limits.DeadLetterRetention) }()
	for more := true; more; {
		t := &trimTask{
			waiter: newWaiter(), to: to, pressed: pressed,
			lettersBefore: b.lettersBefore(limits),
		}
		done, err := b.committer.do(ctx, t, &t.waiter)
		if err != nil {
			return err
		}
		if more = done && t.moreLetters; done {
			letters += t.letters
		}
	}
	return nil
}

// logLetters says how many dead letters a trim has deleted: nobody has had them.
func (b *Buffer) logLetters(n int64, age time.Duration) {
	if n > 0 {
		b.log.Warn("buffer: dead letters are deleted for their age", "dead letters", n, "older than", age)
	}
}

// lettersBefore is the key before which dead letters are too old.
func (b *Buffer) lettersBefore(limits *Limits) []byte {
	return format.DeadLetterKey(time.Unix(0, b.clock.Ago(limits.DeadLetterRetention)), 0, "")
}

// trimPoint finds the last position that may go and that age or want of room wants gone, 0 for none. pressed: orphans
// lose what they still might hold.
func (b *Buffer) trimPoint(limits *Limits, now int64) (to uint64, pressed bool, err error) {
	excess := b.excess(limits, now)
	limit, holders, err := b.settledUpTo(limits, false)
	if err != nil {
		return 0, false, err
	}
	to, freed, err := b.findTrim(limit, b.clock.Ago(limits.Retention), excess)
	if err != nil || excess <= freed {
		return to, false, err
	}
	// Orphans give way only where that keeps events from being refused.
	if b.missing.Load() > 0 || int64(b.bytes())-freed >= hundredths(limits.MaxSize, orphansAbove) {
		if limit, holders, err = b.settledUpTo(limits, true); err != nil {
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
func (b *Buffer) warnHolders(holders []string, position uint64, now int64) {
	if now-b.warnedAt < int64(sweepEvery) {
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
			"what one without a handler has not settled is kept for a while in case its handler comes back, forget it "+
			"to make room at once",
			"consumers", strings.Join(holders, ", "), "removed", strings.Join(removed,
				", "), "kept for", orphanGrace, "position", position)
		return
	}
	b.log.Warn("buffer: near its limit, and nothing can go: these consumers have not settled the oldest event",
		"consumers", strings.Join(holders, ", "), "position", position)
}

// withoutHandler returns those of the consumers that are orphans.
func (b *Buffer) withoutHandler(names []string) (orphans []string) {
	for _, name := range names {
		if st := b.consumerNamed(name); st != nil && st.getLifecycle().OrphanedSince != 0 {
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
	err = b.use(func(*store.DB) (err error) {
		to, freed, err = b.searchTrim(limit, cutoff, excess)
		return err
	})
	return to, freed, err
}

// searchTrim searches for the first event that stays: clock and size grow with the position. What an event frees is
// known from the one behind it.
func (b *Buffer) searchTrim(limit uint64, cutoff, excess int64) (to uint64, freed int64, err error) {
	first := b.first.Load()
	before := int64(b.gone.Load())
	freedBefore := func(position uint64) int64 {
		f, failed := b.lastIntact(first, position-1)
		err = errors.Join(err, failed)
		if f.position == 0 {
			return 0
		}
		return int64(f.trailer.Total) - before
	}
	n := sort.Search(int(limit+1-first), func(i int) bool {
		p := first + uint64(i)
		f, failed := b.firstIntact(p, limit)
		err = errors.Join(err, failed)
		if f.position == 0 {
			// A gap at the end is as old as the event before it, which must not go for it.
			f, failed = b.lastIntact(first, p-1)
			err = errors.Join(err, failed)
		}
		return f.position != 0 && f.trailer.StoredAt > cutoff && freedBefore(p) >= excess
	})
	if n == 0 || err != nil {
		return 0, 0, err
	}
	to = first + uint64(n) - 1
	return to, freedBefore(to + 1), err
}

// settledUpTo returns the position up to which every consumer that holds events, open or not, has
// settled everything, and who holds it there.
func (b *Buffer) settledUpTo(l *Limits, pressed bool) (limit uint64, holders []string, err error) {
	limit = b.durable.Load()
	for _, st := range b.allConsumers() {
		if !st.holds(b.clock, l, pressed) {
			continue
		}
		var up uint64
		err := b.use(func(db *store.DB) (err error) {
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
