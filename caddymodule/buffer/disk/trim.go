package disk

import "github.com/cockroachdb/pebble/v2"

// trimTask deletes events, dead letters and dedupe entries that are old.
type trimTask struct {
	waiter
	// to is the last event to go, total the total size up to it; 0: none.
	to, total uint64
	// lettersBefore bounds the dead letters that go; moreLetters says afterwards that some are left.
	lettersBefore []byte
	moreLetters   bool
}

// lettersPerTrim bounds how long one trim keeps the committer.
const lettersPerTrim = 512

func (t *trimTask) size() int { return 256 }

func (t *trimTask) stage(g *group) error {
	if err := t.stageLetters(g); err != nil {
		return err
	}
	if keep, any := g.b.dedupe.expire(g.now, g.limits.DedupeWindow); any {
		_ = g.batch.DeleteRange([]byte{kindDedupe}, bucketKey(keep), nil)
	}
	t.stageEvents(g)
	return nil
}

// stageLetters counts what it deletes here, where nothing else adds or removes letters.
func (t *trimTask) stageLetters(g *group) error {
	it, err := g.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindDeadLetter}, UpperBound: t.lettersBefore})
	if err != nil {
		return err
	}
	defer it.Close()
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
			bytes += int64(cost(len(it.Value())))
		}
	}
	if err := it.Error(); err != nil {
		return err
	}
	if n > 0 {
		_ = g.batch.DeleteRange([]byte{kindDeadLetter}, end, nil)
		g.countAside(-n, -bytes)
	}
	return nil
}

func (t *trimTask) stageEvents(g *group) {
	b := g.b
	// A consumer made since may want what was free to go.
	for _, st := range b.allConsumers() {
		st.mu.Lock()
		low := st.progress.low
		st.mu.Unlock()
		if low < t.to {
			return
		}
	}
	first := b.first.Load()
	if t.to < first {
		return
	}
	_ = g.batch.DeleteRange(appendEventKey(nil, first), appendEventKey(nil, t.to+1), nil)
	g.stageFloor(g.c.next - 1)
	g.trimmedTo = max(g.trimmedTo, t.to)
	to, gone := t.to, max(0, b.eventBytes.Load()-int64(g.c.total-t.total))
	g.then = append(g.then, func() {
		b.first.Store(to + 1)
		b.eventBytes.Add(-gone)
	})
}

func (t *trimTask) done(err error) { t.finish(err) }
