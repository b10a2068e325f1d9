package dispatch

import (
	"math/rand/v2"
	"testing"
	"time"
)

// However many events fail, and in whatever order their answers come, few are remembered, and no event counts for
// longer than it has failed for.
func TestFailuresAreBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		limit, events int
	}{
		"few":    {100, 40},
		"many":   {100, 1000},
		"no age": {0, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			begun := time.Now()
			f := newFailures(tt.limit, begun)
			failed := map[uint64]time.Time{}
			for i := range 50_000 {
				at := begun.Add(time.Duration(i)*time.Second - time.Duration(rnd.IntN(300))*time.Second)
				position := uint64(rnd.IntN(tt.events))
				last, known := failed[position]
				if !known {
					last = begun.Add(-time.Hour) // in an earlier run
				}
				if got := f.last(position); got.Before(last) || tt.events < tt.limit/2 && known && !got.Equal(last) {
					t.Fatalf("event %d failed at %s, not %s", position, last, got)
				}
				if rnd.IntN(10) == 0 {
					f.settled(position)
					delete(failed, position)
					continue
				}
				f.note(position, at)
				failed[position] = at
				if n := len(f.newer) + len(f.older); n > tt.limit {
					t.Fatalf("%d events are remembered, at most %d may be", n, tt.limit)
				}
			}
		})
	}
}

// What is remembered is of those that failed the latest, and the time of the others moves on with what is forgotten.
func TestFailuresKeepTheLatest(t *testing.T) {
	begun := time.Now()
	at := func(position uint64) time.Time { return begun.Add(time.Duration(position) * time.Second) }
	f := newFailures(10, begun)
	for position := uint64(1); position <= 22; position++ {
		f.note(position, at(position))
	}
	for position := uint64(16); position <= 22; position++ {
		if got := f.last(position); !got.Equal(at(position)) {
			t.Errorf("event %d failed %s after the start", position, got.Sub(begun))
		}
	}
	if got := f.last(1); !got.Equal(at(15)) {
		t.Errorf("a forgotten event failed %s after the start at the latest, want 15s", got.Sub(begun))
	}
}

// An event that failures has forgotten is not parked for the time since the start.
func TestForgottenFailureIsNotParkedEarly(t *testing.T) {
	park := ParkPolicy{Age: time.Hour}
	begun := time.Now()
	d := &Dispatcher{failures: newFailures(park.remembered(), begun)}
	c := Config{ParkAfter: park, Retry: RetryPolicy{MaxAttempts: 1000}}
	first := new(item)
	d.count(first, begun.Add(59*time.Minute), "x")
	for position := range uint64(2 * maxFailures) {
		it := new(item)
		it.event.Position = position + 1
		d.count(it, begun.Add(60*time.Minute), "x")
	}
	if n := len(d.failures.newer) + len(d.failures.older); n == 0 || n > maxFailures {
		t.Errorf("%d events are remembered", n)
	}
	d.count(first, begun.Add(61*time.Minute), "x")
	if reason, over := c.verdict(first.retry); over || first.retry.Failing > 2*time.Minute {
		t.Errorf("parked (%v, %q) after 2m: failing for %s", over, reason, first.retry.Failing)
	}
	d.count(first, begun.Add(2*time.Hour-time.Second), "x")
	if reason, over := c.verdict(first.retry); over {
		t.Errorf("parked (%q) although 1m is not known: failing for %s", reason, first.retry.Failing)
	}
	d.count(first, begun.Add(2*time.Hour), "x")
	if _, over := c.verdict(first.retry); !over {
		t.Errorf("not parked: failing for %s", first.retry.Failing)
	}
	if n := (ParkPolicy{Attempts: 3}).remembered(); n != 0 {
		t.Errorf("without an age %d events are remembered", n)
	}
}
