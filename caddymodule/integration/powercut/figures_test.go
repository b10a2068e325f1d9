package powercut_test

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// figures are what histories came to.
type figures struct {
	seeds, broken               int
	acknowledged, answers, sent int
	deliveries, batches         int
	retried, deadLetters        int
	inFlight, replayed          int
	restarts, reloads, refusals int
	cuts                        map[string]int // by the operation at which the power went
	faults                      map[kind]int
}

func newFigures() figures {
	return figures{cuts: map[string]int{}, faults: map[kind]int{}}
}

// add adds those of one history.
func (f *figures) add(g *figures) {
	f.seeds++
	if len(g.faults) > 0 {
		f.broken++
	}
	f.acknowledged += g.acknowledged
	f.answers += g.answers
	f.sent += g.sent
	f.deliveries += g.deliveries
	f.batches += g.batches
	f.retried += g.retried
	f.deadLetters += g.deadLetters
	f.inFlight += g.inFlight
	f.replayed += g.replayed
	f.restarts += g.restarts
	f.reloads += g.reloads
	f.refusals += g.refusals
	for where, n := range g.cuts {
		f.cuts[where] += n
	}
	for k, n := range g.faults {
		f.faults[k] += n
	}
}

// crashes counts all power cuts.
func (f *figures) crashes() (n int) {
	for _, c := range f.cuts {
		n += c
	}
	return n
}

// places lists the operations at which the power went, the most frequent first.
func (f *figures) places() (rows [][]string) {
	names := slices.SortedFunc(maps.Keys(f.cuts), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.cuts[b], f.cuts[a]), cmp.Compare(a, b))
	})
	for _, name := range names {
		rows = append(rows, []string{name, strconv.Itoa(f.cuts[name])})
	}
	return rows
}

// report tells what all histories came to.
func (f *figures) report(t *testing.T, r *report.Report) {
	r.Figure("seeds", f.seeds, "")
	r.Figure("crashes", f.crashes(), "")
	r.Figure("events sent", f.sent, "")
	r.Figure("events acknowledged", f.acknowledged, "")
	r.Figure("answers, with those to duplicates", f.answers, "")
	r.Figure("deliveries", f.deliveries, "")
	r.Figure("deliveries that failed and were put off", f.retried, "")
	r.Figure("dead letters", f.deadLetters, "")
	r.Figure("deliveries of a replay", f.replayed, "")
	r.Figure("restarts without a cut", f.restarts, "")
	r.Figure("reloads", f.reloads, "")
	r.Figure("reloads refused", f.refusals, "")
	for _, k := range []kind{lost, disordered, repeated, forgotten, other} {
		r.Figure(string(k), f.faults[k], "")
	}
	r.Figure("repeated in flight", f.inFlight, "")
	r.Table([]string{"the power went before this operation", "times"}, f.places())
	t.Logf("%d histories, %d broken; %d crashes, %d events acknowledged, %d deliveries, %d repeated in flight, %d retried, %d dead letters, %d replayed; %v",
		f.seeds, f.broken, f.crashes(), f.acknowledged, f.deliveries, f.inFlight, f.retried, f.deadLetters, f.replayed, f.faults)
	if err := r.Write(); err != nil {
		t.Error(err)
	}
}
