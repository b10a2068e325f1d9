package disk

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// trimTask deletes events, dead letters and dedupe entries that are old.
type trimTask struct {
	waiter
	// to is the last event to go, 0 for none. pressed: orphans give way whatever their time.
	to      uint64
	pressed bool
	// lettersBefore bounds the dead letters that go; moreLetters says afterwards that some are left.
	lettersBefore []byte
	moreLetters   bool
	// letters counts those that went.
	letters int64
}

// lettersPerTrim bounds how long one trim keeps the committer.
const lettersPerTrim = 512

func (t *trimTask) size() int { return 256 }

// stage reads all that it needs before it writes anything.
func (t *trimTask) stage(g *group) error {
	events, err := t.planEvents(g)
	if err != nil {
		return err
	}
	over, err := g.planRemovals(events)
	if err != nil {
		return err
	}
	if err := t.stageLetters(g); err != nil {
		return err
	}
	if keep, gone := g.b.dedupe.Expire(g.b.clock.Ago(g.trimLimits().DedupeWindow)); gone {
		_ = g.batch.DeleteRange([]byte{format.KindDedupe}, format.BucketKey(keep), nil)
	}
	if g.stageTrim(events) {
		g.stageRemovals(over)
	}
	return nil
}

// stageLetters counts what it deletes here, where nothing else adds or removes letters.
func (t *trimTask) stageLetters(g *group) error {
	it, err := g.db.NewIter(&pebble.IterOptions{LowerBound: []byte{format.KindDeadLetter}, UpperBound: t.lettersBefore})
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }()
	var n, bytes int64
	end := t.lettersBefore
	for ok := it.First(); ok; ok = it.Next() {
		if n == lettersPerTrim {
			end = append([]byte{}, it.Key()...)
			t.moreLetters = true
			break
		}
		if !g.lettersGone[string(it.Key())] {
			n++
			bytes += int64(format.Cost(len(it.Value())))
		}
	}
	if err := it.Error(); err != nil {
		return err
	}
	if n > 0 {
		_ = g.batch.DeleteRange([]byte{format.KindDeadLetter}, end, nil)
		g.countAside(-n, -bytes)
		t.letters = n
	}
	return nil
}

// planEvents looks again at who holds what: since the trim was planned, a consumer may have been created or opened, or
// may have reopened what was settled.
func (t *trimTask) planEvents(g *group) (eventTrim, error) {
	first := g.b.first.Load()
	e := eventTrim{to: t.to}
	limits := g.trimLimits()
	var orphans []*consumerState
	for _, st := range g.b.allConsumers() {
		if !st.holds(g.b.clock, limits, t.pressed) {
			orphans = append(orphans, st)
			continue
		}
		up, err := st.settledUpTo(g.db, first, 0)
		if err != nil {
			return eventTrim{}, err
		}
		e.to = min(e.to, up)
	}
	if e.to < first {
		return eventTrim{}, nil
	}
	for _, st := range orphans {
		l, err := st.lossUpTo(g.db, first, e.to)
		if err != nil {
			return eventTrim{}, err
		}
		e.losers = append(e.losers, l)
	}
	f, err := g.b.lastIntact(first, e.to)
	e.total = f.trailer.Total
	return e, err
}

// stageTrim returns false when an orphan that was to lose something was opened just now.
func (g *group) stageTrim(e eventTrim) bool {
	if e.to == 0 {
		return true
	}
	if !g.stageLosses(e) {
		return false
	}
	b := g.b
	g.trimmedTo = max(g.trimmedTo, e.to)
	e.total = max(e.total, b.gone.Load()) // there may be not one intact record
	g.stageBeginning(e.to+1, e.total)
	g.rotate = b.missing.Load() > 0
	g.then = append(g.then, func() {
		b.first.Store(e.to + 1)
		b.eventBytes.Add(int64(b.gone.Swap(e.total)) - int64(e.total))
	})
	return true
}

func (t *trimTask) done(err error) { t.finish(err) }
