package engine

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// What a handler did is counted over reloads that change or remove it, and over restarts; while it is changed the sum
// never goes down.
func TestTotalsOutliveReloads(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("h", "")))
	r.append("v:1", "v:2")
	r.settled("h")

	var watch sync.WaitGroup
	ended := make(chan struct{})
	watch.Go(func() {
		least := uint64(2)
		for {
			select {
			case <-ended:
				return
			default:
			}
			for _, h := range r.e.Status(context.Background()).Handlers {
				if h.Totals.Delivered < least {
					t.Errorf("%d were delivered, and %d before", h.Totals.Delivered, least)
				}
				least = h.Totals.Delivered
			}
		}
	})
	r.apply("two", r.defs(strings.Replace(handler("h", ""), "  config", "  concurrency = 1\n  config", 1)))
	r.append("v:3")
	r.settled("h")
	if err := r.e.Restart(context.Background(), "h"); err != nil {
		t.Fatal(err)
	}
	r.append("v:4")
	r.settled("h")
	close(ended)
	watch.Wait()
	r.apply("three", r.defs(handler("other", "")))
	r.apply("four", r.defs(handler("h", "")))
	r.append("v:5")
	r.settled("h")
	s := r.status("h")
	if s.Totals.Delivered != 5 || s.Dispatch.Delivered != 1 {
		t.Errorf("%d were delivered in all and %d since the last reload, want 5 and 1", s.Totals.Delivered,
			s.Dispatch.Delivered)
	}
	r.eventually("runners that have ended are let go", func() bool {
		r.e.mu.Lock()
		defer r.e.mu.Unlock()
		tally := r.e.tallies["h"]
		tally.mu.Lock()
		defer tally.mu.Unlock()
		return len(tally.runners) == 1
	})
}

// A process that ends by itself is a crash, one that the host ends is none.
func TestTotalsCountCrashes(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("h", "")))
	if err := r.e.Restart(context.Background(), "h"); err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(r.pid("h"))
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.eventually("it is up again", func() bool { return r.status("h").Totals.Restarts == 1 && r.status("h").Plugin.Up })
	if got := r.status("h").Totals.Crashes; got != 1 {
		t.Errorf("%d crashes, want 1", got)
	}
	r.apply("two", r.defs(handler("h", "")+handler("other", "")))
	if got := r.status("h").Totals; got.Crashes != 1 || got.Restarts != 1 {
		t.Errorf("after a reload: %+v", got)
	}
}

// settledOf notes how many events of a handler were settled.
type settledOf struct {
	mu    sync.Mutex
	names map[string]int
}

func (s *settledOf) observer(name string) dispatch.Observer { return settledBy{s, name} }

type settledBy struct {
	*settledOf
	name string
}

func (s settledBy) Settled(dispatch.Settled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[s.name]++
}

func TestObservers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	seen := &settledOf{names: map[string]int{}}
	r.e.opts.ObserveHandler = seen.observer
	r.apply("one", r.defs(handler("a", "")+handler("b", "")))
	r.append("v:1", "v:2")
	r.settled("a")
	r.settled("b")
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if seen.names["a"] != 2 || seen.names["b"] != 2 {
		t.Errorf("%v", seen.names)
	}
}
