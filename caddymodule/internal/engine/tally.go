package engine

import (
	"slices"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// Totals count what a handler did since the engine was made: over reloads and restarts, which make new processes and
// dispatchers.
type Totals struct {
	dispatch.Counts
	// Restarts and Crashes are those of its processes; see pluginhost.State.
	Restarts, Crashes uint64
}

func (t Totals) add(more Totals) Totals {
	return Totals{t.Add(more.Counts), t.Restarts + more.Restarts, t.Crashes + more.Crashes}
}

// tally adds up what the runners of one name did. While one takes the place of another both count, so that the sum
// never goes down.
type tally struct {
	mu      sync.Mutex
	ended   Totals
	runners []*runner
}

// tallyOf returns the tally of a name. It stays when no handler has the name any more, in case one has it again.
func (e *Engine) tallyOf(name string) *tally {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tallies == nil {
		e.tallies = map[string]*tally{}
	}
	if e.tallies[name] == nil {
		e.tallies[name] = new(tally)
	}
	return e.tallies[name]
}

// begin counts a runner.
func (t *tally) begin(r *runner) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.runners = append(t.runners, r)
}

// end keeps what a runner did that has ended, and lets go of the runner.
func (t *tally) end(r *runner) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.runners, r)
	if i < 0 {
		return
	}
	t.ended = t.ended.add(r.totals())
	t.runners = slices.Delete(t.runners, i, i+1)
}

func (t *tally) total() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := t.ended
	for _, r := range t.runners {
		sum = sum.add(r.totals())
	}
	return sum
}

// totals are what this runner alone did.
func (r *runner) totals() Totals {
	plugin := r.plugin.State()
	t := Totals{Restarts: uint64(plugin.Restarts), Crashes: uint64(plugin.Crashes)}
	if d := r.delivering(); d != nil {
		t.Counts = d.Stats().Counts
	}
	return t
}
