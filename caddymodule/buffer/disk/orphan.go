package disk

import (
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/clock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// orphanGrace is how long an orphan holds what it has not settled in any case: a handler may be away only until a
// reload is taken back or a mistake in its name is fixed.
const orphanGrace = 15 * time.Minute

// holds reports whether what the consumer has not settled must stay. An orphan holds it for as long
// as settled events stay; where events are refused for it, only for the grace. One that is open or
// still settling is as good as kept.
func (st *consumerState) holds(c *clock.Clock, l *Limits, pressed bool) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.lifecycle.OrphanedSince == 0 || st.busy() {
		return true
	}
	if pressed {
		return c.Left(st.lifecycle.OrphanedSince, orphanGrace) > 0
	}
	return st.lifecycle.OrphanedSince > c.Ago(max(orphanGrace, l.Retention))
}

// settledUpTo returns the position up to which the consumer needs no event any more, when what is
// stored begins with first and all up to trimmed is about to go. What it reopened below lives from copies.
func (st *consumerState) settledUpTo(db *store.DB, first, trimmed uint64) (uint64, error) {
	prefix := format.NamePrefix(format.KindDeferredAt, st.name)
	if err := st.learn(db, prefix, first, func() *seekHint { return &st.hints.held }); err != nil {
		return 0, err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	up := st.progress.Low
	// What is staged is not in the store yet.
	for position, deferred := range st.staged {
		if deferred && position >= first && position > trimmed {
			up = min(up, position-1)
		}
	}
	it, err := st.hints.held.seek(db, prefix, first, st.hints.arrivals)
	if err != nil {
		return 0, err
	}
	defer func() { _ = it.Close() }()
	for ok := it.Valid(); ok; ok = it.Next() {
		position, valid := format.PositionBehind(prefix, it.Key())
		if deferred, staged := st.staged[position]; !valid || position <= trimmed || staged && !deferred {
			continue
		}
		up = min(up, position-1)
		break
	}
	return up, it.Error()
}

// loss is what an orphan loses with a trim.
type loss struct {
	st *consumerState
	to uint64
	// entries are the keys of its deferred events that go, copies what their copies count for.
	entries [][]byte
	copies  uint64
	// fresh counts positions that it never had.
	fresh uint64
}

// lossUpTo finds what an orphan has up to a position. Deferred events are few beside the
// events; they are all gone through.
func (st *consumerState) lossUpTo(db *store.DB, first, to uint64) (loss, error) {
	l := loss{st: st, to: to}
	st.mu.Lock()
	if low := max(st.progress.Low, first-1); low < to {
		l.fresh = to - low
		l.fresh -= min(l.fresh, st.progress.MarkedFrom(low+1)-st.progress.MarkedFrom(to+1))
	}
	deferred := st.progress.Deferred
	st.mu.Unlock()
	if deferred == 0 {
		return l, nil
	}
	prefix := format.NamePrefix(format.KindDeferred, st.name)
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: format.After(prefix)})
	if err != nil {
		return l, err
	}
	defer func() { _ = it.Close() }()
	for ok := it.First(); ok; ok = it.Next() {
		_, position, valid := format.SplitDeferredKey(it.Key()[len(prefix):])
		if valid && position <= to {
			l.entries = append(l.entries, append([]byte{}, it.Key()...))
		}
	}
	if err := it.Error(); err != nil {
		return l, err
	}
	l.copies, err = copyCosts(db, st.name, to)
	return l, err
}

// stageLosses moves the orphans on. It returns false, and nothing is staged, when one of them was
// opened just now.
func (g *group) stageLosses(e eventTrim) bool {
	for _, l := range e.losers {
		l.st.mu.Lock()
		defer l.st.mu.Unlock()
		if l.st.busy() {
			return false
		}
	}
	for _, l := range e.losers {
		g.stageLoss(l)
	}
	return true
}

// stageLoss writes what one orphan loses. The caller holds mu.
func (g *group) stageLoss(l loss) {
	st := l.st
	for _, key := range l.entries {
		_ = g.batch.Delete(key, nil)
	}
	if len(l.entries) > 0 {
		_ = g.batch.DeleteRange(format.NamePrefix(format.KindDeferredAt, st.name),
			format.DeferredAtKey(st.name, l.to+1), nil)
		st.progress.Deferred -= min(st.progress.Deferred, uint64(len(l.entries)))
	}
	if l.copies > 0 {
		_ = g.batch.DeleteRange(format.NamePrefix(format.KindCopy, st.name), format.CopyKey(st.name, l.to+1), nil)
		g.countAside(0, -int64(l.copies))
	}
	if st.progress.Low < l.to || len(l.entries) > 0 {
		st.progress.SkipTo(l.to)
		g.touch(st)
	}
	g.logLoss(st.name, l.fresh+uint64(len(l.entries)))
}

func (g *group) logLoss(name string, events uint64) {
	if events == 0 {
		return
	}
	g.then = append(g.then, func() {
		g.b.log.Warn("buffer: a consumer without a handler has lost events that it had not settled",
			"consumer", name, "events", events)
	})
}

// removal is an orphan whose time is over and that has nothing left.
type removal struct {
	st     *consumerState
	copies uint64
}

// planRemovals finds them, as they will be after a trim of events. What counts is what was
// stored when the consumer became an orphan: later events were never meant for it.
func (g *group) planRemovals(e eventTrim) (over []removal, err error) {
	first, limits := g.b.first.Load(), g.trimLimits()
	for _, st := range g.b.allConsumers() {
		if st.holds(g.b.clock, limits, false) {
			continue
		}
		up, err := st.settledUpTo(g.db, first, e.to)
		if err != nil {
			return nil, err
		}
		if max(up, e.to) < st.getLifecycle().OrphanedAt {
			continue
		}
		copies, err := copyCosts(g.db, st.name, format.MaxPosition)
		if err != nil {
			return nil, err
		}
		// The store has yet those that go with the events; they must not count twice.
		for _, l := range e.losers {
			if l.st == st {
				copies -= min(copies, l.copies)
			}
		}
		over = append(over, removal{st, copies})
	}
	return over, nil
}

func (g *group) stageRemovals(over []removal) {
	for _, r := range over {
		r.st.mu.Lock()
		// What is still deferred lives from copies; it is lost like the rest.
		lost, busy := r.st.progress.Deferred, r.st.busy()
		if !busy {
			g.logLoss(r.st.name, lost)
			g.stageForget(r.st, r.copies)
		}
		r.st.mu.Unlock()
		if busy {
			continue
		}
		g.then = append(g.then, func() {
			g.b.log.Info("buffer: a consumer that has had no handler for as long as events stay is removed",
				"consumer", r.st.name)
		})
	}
}

// eventTrim is what a group's trim takes.
type eventTrim struct {
	// to is the last event, 0 for none, total the total size up to it.
	to, total uint64
	losers    []loss
}
