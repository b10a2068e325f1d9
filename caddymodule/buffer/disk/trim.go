package disk

// trimTask deletes events, dead letters and dedupe entries that are old.
type trimTask struct {
	waiter
	// to is the last event to go, total the total size up to it; 0: none.
	to, total     uint64
	lettersBefore []byte
	letters       uint64
	letterBytes   int64
}

func (t *trimTask) size() int { return 256 }

func (t *trimTask) stage(g *group) error {
	b := g.b
	if t.letters > 0 {
		_ = g.batch.DeleteRange([]byte{kindDeadLetter}, t.lettersBefore, nil)
		b.deadCount.Add(-min(t.letters, b.deadCount.Load()))
		b.deadBytes.Add(-t.letterBytes)
		g.stageDeadCount()
	}
	if keep, any := b.dedupe.expire(g.now, g.limits.DedupeWindow); any {
		_ = g.batch.DeleteRange([]byte{kindDedupe}, bucketKey(keep), nil)
	}
	t.stageEvents(g)
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
	to, gone := t.to, max(0, b.eventBytes.Load()-int64(g.c.total-t.total))
	g.then = append(g.then, func() {
		b.first.Store(to + 1)
		b.eventBytes.Add(-gone)
	})
}

func (t *trimTask) done(err error) { t.finish(err) }
