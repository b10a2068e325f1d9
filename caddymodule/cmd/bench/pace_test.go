package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// The connections of a rate send one after the other, evenly, and one that was held up
// sends what was due meanwhile at once, with its due time.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := effort{conns: 4, rate: 100}
		start := time.Now()
		for worker := range e.conns {
			p := newPace(e, start, worker)
			if due := p.wait(t.Context()); due.Sub(start) != time.Duration(worker)*10*time.Millisecond || time.Now().Before(due) {
				t.Errorf("worker %d began %v after the start, at %v", worker, due.Sub(start), time.Since(start))
			}
		}
		p := newPace(e, start, 0)
		time.Sleep(100 * time.Millisecond)
		for i, want := range []time.Duration{0, 40, 80, 120} {
			due := p.wait(t.Context())
			if due.Sub(start) != want*time.Millisecond {
				t.Errorf("request %d was due after %v, want %d ms", i, due.Sub(start), want)
			}
			if time.Now().Before(due) {
				t.Errorf("request %d came before it was due", i)
			}
		}
		if p := newPace(effort{conns: 4}, start, 3); p.paced() {
			t.Error("without a rate it is paced")
		}
	})
}
