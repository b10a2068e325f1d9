package disk

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/clock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// storeClockEvery is how often the clock is stored without need. What passes until a crash counts for no age.
const storeClockEvery = time.Hour

// loadClock makes the clock go on from the newest time that is stored.
func (b *Buffer) loadClock() error {
	newest, err := b.newestStamp()
	if err != nil {
		return err
	}
	state := clock.State{Last: newest}
	raw, err := b.get(format.MetaClock)
	switch {
	case err == nil:
		if state, err = parseClock(raw); err != nil {
			b.log.Error("buffer: what is known of the clock is damaged, so what is stored counts as new")
			state = clock.AllNew(newest)
		}
		state.Last = max(state.Last, newest)
	case !errors.Is(err, pebble.ErrNotFound):
		return fmt.Errorf("reading the clock: %w", err)
	}
	b.clock = clock.New(b.opts.Clock, b.opts.Elapsed, state)
	return nil
}

func parseClock(raw []byte) (clock.State, error) {
	text, err := format.VerifyChecksum(raw)
	if err != nil {
		return clock.State{}, err
	}
	var s clock.State
	if err := json.Unmarshal(text, &s); err != nil {
		return clock.State{}, fmt.Errorf("%w: %w", format.ErrDamaged, err)
	}
	return s, nil
}

func encodeClock(s clock.State) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers only
	}
	return format.AppendChecksum(text)
}

// newestStamp is the newest time that the events, the dead letters and the consumers have.
func (b *Buffer) newestStamp() (int64, error) {
	f, err := b.lastIntact(b.first.Load(), b.durable.Load())
	if err != nil {
		return 0, fmt.Errorf("reading the newest event: %w", err)
	}
	newest := f.trailer.StoredAt
	for _, st := range b.consumers {
		newest = max(newest, st.lifecycle.OrphanedSince, st.lifecycle.PausedSince)
	}
	it, err := b.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{format.KindDeadLetter}, UpperBound: []byte{format.KindDeadLetter + 1},
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = it.Close() }()
	if it.Last() {
		if l, ok := format.ParseDeadLetterKey(it.Key()); ok {
			newest = max(newest, l.DiedAt())
		}
	}
	return newest, it.Error()
}

// stageClock stamps the group. What the clock skips is stored with the first group that has a later stamp: without it,
// all that is older would be too old.
func (g *group) stageClock() {
	c := g.b.clock
	now, state, store := c.Tick()
	g.now = now
	if !store && now-g.c.clockStored < int64(storeClockEvery) {
		return
	}
	g.c.clockStored = now
	_ = g.batch.Set(format.MetaClock, encodeClock(state), nil)
	c.Stored()
}

// seenSince is the beginning of the dedupe window.
func (g *group) seenSince() int64 {
	if g.seen == 0 {
		g.seen = g.b.clock.Ago(g.limits.DedupeWindow)
	}
	return g.seen
}

// storeClock writes, before the store is closed, how far the clock has come.
func (b *Buffer) storeClock() {
	_ = b.use(func(db *store.DB) error {
		return db.Set(format.MetaClock, encodeClock(b.clock.State()), pebble.NoSync)
	})
}

// logJump logs when the wall clock has jumped, and when all is well again. was and the answer say whether it is off.
func (b *Buffer) logJump(was bool) bool {
	jump := b.clock.Jump()
	is := jump.By != 0
	switch {
	case is && !was:
		b.log.Warn("buffer: the clock has jumped; nothing is deleted for its age until it has been steady for a while",
			"by", jump.By.Round(time.Second), "steady for", clock.SteadyFor)
	case was && !is:
		b.log.Info("buffer: the clock is believed again")
	}
	return is
}

// clockJump is the present jump for Stats.
func (b *Buffer) clockJump() buffer.ClockJump {
	jump := b.clock.Jump()
	return buffer.ClockJump{By: jump.By, Left: jump.Left}
}

// Clock implements buffer.Clocked.
func (b *Buffer) Clock() buffer.Clock { return b.clock }

// letGoAt is when what an orphan has not settled may go, by the wall clock.
func (b *Buffer) letGoAt(orphanedSince time.Time) time.Time {
	at := time.Unix(0, b.clock.Due(orphanedSince.UnixNano(), max(orphanGrace, b.limits.Load().Retention)))
	if jump := b.clock.Jump(); jump.By != 0 {
		if believed := b.clock.Wall().Add(jump.Left); at.Before(believed) {
			at = believed
		}
	}
	return at.UTC()
}
