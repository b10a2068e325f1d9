package disk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// hintRig gives one consumer's deferred events random outcomes. It looks for what is deferred as if
// there were no seek hints.
type hintRig struct {
	t      *testing.T
	b      *Buffer
	c      *Consumer
	rng    *rand.Rand
	leased map[uint64]string
}

// What a look-up finds with a seek hint is what it finds without one, whatever became of the events.
func TestSeekHintsHideNothing(t *testing.T) {
	for round := range 8 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			r := &hintRig{t: t, rng: rand.New(rand.NewPCG(seed, 1)), leased: map[uint64]string{}}
			r.b, _ = openFor(t, Options{})
			r.open()
			for range 400 {
				r.step()
				r.check()
			}
		})
	}
}

func (r *hintRig) open() { r.c = openConsumer(r.t, r.b, "h").(*Consumer) }

func (r *hintRig) lane() string { return []string{"", "a", "ab", "b"}[r.rng.IntN(4)] }

func (r *hintRig) step() {
	switch n := r.rng.IntN(100); {
	case n < 20:
		if _, err := r.b.Append(r.t.Context(), crashEvent(fmt.Sprint(r.rng.Uint64()), 10)); err != nil {
			r.t.Fatal(err)
		}
	case n < 40:
		if r.c.Stats().Pending == 0 {
			return
		}
		leases, err := r.c.Lease(r.t.Context(), buffer.Room{Events: 1 + r.rng.IntN(4)})
		r.take(leases, err)
	case n < 65:
		r.look(r.lane(), 1+r.rng.IntN(4))
	case n < 85:
		r.settle()
	case n < 93:
		for range 1 + r.rng.IntN(3) {
			o := buffer.Outcome{Verb: buffer.Reopen, Position: r.rng.Uint64N(r.b.Stats().Last + 2), Lane: r.lane()}
			if err := r.c.Settle(r.t.Context(), o); err != nil {
				r.t.Fatal(err)
			}
		}
	case n < 96:
		closeAll(r.t, r.c)
		clear(r.leased)
		r.open()
	case n < 98:
		// One that had to give way.
		r.c.st.mu.Lock()
		delete(r.c.st.hints.lanes, r.lane())
		r.c.st.mu.Unlock()
	default:
		if err := r.b.Close(); err != nil {
			r.t.Fatal(err)
		}
		b, err := Open(r.t.Context(), r.b.opts)
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { b.Close() })
		r.b = b
		clear(r.leased)
		r.open()
	}
}

func (r *hintRig) take(leases []buffer.Lease, err error) (positions []uint64) {
	if err != nil {
		r.t.Fatal(err)
	}
	for _, l := range leases {
		positions = append(positions, l.Event.Position)
		r.leased[l.Event.Position] = l.Event.ID
	}
	return positions
}

func (r *hintRig) look(lane string, n int) {
	var want []uint64
	for _, p := range r.scan(format.LanePrefix("h", lane)) {
		if _, leased := r.leased[p]; !leased && len(want) < n {
			want = append(want, p)
		}
	}
	got, err := r.c.LeaseDeferred(r.t.Context(), lane, buffer.Room{Events: n})
	if d := cmp.Diff(want, r.take(got, err)); d != "" {
		r.t.Fatalf("lane %q differs (-without hint +with):\n%s", lane, d)
	}
}

func (r *hintRig) settle() {
	var outcomes []buffer.Outcome
	for p := range r.leased {
		if r.rng.IntN(3) == 0 {
			continue
		}
		o := buffer.Outcome{Position: p, Verb: buffer.Done}
		if r.rng.IntN(2) == 0 {
			o.Verb, o.Lane = buffer.Defer, r.lane()
		}
		outcomes = append(outcomes, o)
		delete(r.leased, p)
	}
	if err := r.c.Settle(r.t.Context(), outcomes...); err != nil {
		r.t.Fatal(err)
	}
}

// scan returns the positions behind a prefix.
func (r *hintRig) scan(prefix []byte) (positions []uint64) {
	it, err := r.b.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: format.After(prefix)})
	if err != nil {
		r.t.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		p, valid := format.PositionBehind(prefix, it.Key())
		if !valid {
			r.t.Fatalf("key %q", it.Key())
		}
		positions = append(positions, p)
	}
	return positions
}

// check compares what holds the consumer back, and what it has not settled for longest.
func (r *hintRig) check() {
	r.t.Helper()
	up, err := r.c.st.settledUpTo(r.b.db, r.b.first.Load(), 0)
	if err != nil {
		r.t.Fatal(err)
	}
	want, all := r.c.st.progress.Low, r.scan(format.NamePrefix(format.KindDeferredAt, "h"))
	if len(all) > 0 {
		want = min(want, all[0]-1)
	}
	if up != want {
		r.t.Fatalf("all is settled up to %d, want %d", up, want)
	}
	if _, err := r.b.oldestOpen(r.b.db, r.c.st); err != nil {
		r.t.Fatal(err)
	}
	r.checkHints()
}

// checkHints compares every seek hint with what the store has.
func (r *hintRig) checkHints() {
	r.t.Helper()
	st := r.c.st
	st.mu.Lock()
	defer st.mu.Unlock()
	checkOne := func(what string, f *seekHint, prefix []byte) {
		r.t.Helper()
		if all := r.scan(prefix); len(all) > 0 && all[0] < f.start() {
			r.t.Errorf("%s: the seek hint is %d, but there is %d", what, f.start(), all[0])
		}
	}
	checkOne("held", &st.hints.held, format.NamePrefix(format.KindDeferredAt, "h"))
	checkOne("oldest", &st.hints.oldest, format.NamePrefix(format.KindDeferredAt, "h"))
	for lane, f := range st.hints.lanes {
		checkOne("lane "+lane, f, format.LanePrefix("h", lane))
	}
}

// While events are reopened, deferred and settled from several sides, no seek hint ever is above what can be seen.
func TestSeekHintsUnderway(t *testing.T) {
	const events, rounds = 64, 150
	b, _ := openFor(t, Options{FS: vfs.NewCrashableMem()})
	r := &hintRig{t: t, b: b}
	r.open()
	for i := range events {
		if _, err := b.Append(t.Context(), crashEvent(fmt.Sprint(i), 10)); err != nil {
			t.Fatal(err)
		}
	}
	settleN(t, r.c, events, doneAll)
	ctx := t.Context()
	var wg sync.WaitGroup
	for side := range 3 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(side), 1))
			for range rounds {
				o := buffer.Outcome{Verb: buffer.Reopen, Position: 1 + rng.Uint64N(events), Lane: fmt.Sprint(rng.IntN(2))}
				if err := r.c.Settle(ctx, o); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for side := range 3 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(side), 2))
			for range rounds {
				leases, err := r.c.LeaseDeferred(ctx, fmt.Sprint(rng.IntN(2)), buffer.Room{Events: 1 + rng.IntN(4)})
				if err != nil {
					t.Error(err)
					return
				}
				var outcomes []buffer.Outcome
				for _, l := range leases {
					o := buffer.Outcome{Position: l.Event.Position, Verb: buffer.Done}
					if rng.IntN(3) == 0 {
						o.Verb, o.Lane = buffer.Defer, fmt.Sprint(rng.IntN(2))
					}
					outcomes = append(outcomes, o)
				}
				if err := r.c.Settle(ctx, outcomes...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 4 * rounds {
			if _, err := r.c.st.settledUpTo(b.db, 1, 0); err != nil {
				t.Error(err)
			}
			if _, err := b.oldestOpen(b.db, r.c.st); err != nil {
				t.Error(err)
			}
			r.checkHints()
			if t.Failed() {
				return
			}
		}
	})
	wg.Wait()
	if n := len(r.c.st.hints.arriving) + r.c.st.hints.arrivals.count; n > 0 {
		t.Fatalf("%d are still taken for arriving", n)
	}
	for _, lane := range []string{"0", "1"} {
		want := r.scan(format.LanePrefix("h", lane))
		leases, err := r.c.LeaseDeferred(ctx, lane, buffer.Room{Events: events})
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for _, l := range leases {
			got = append(got, l.Event.Position)
		}
		if !slices.Equal(want, got) {
			t.Fatalf("lane %s has %v, got %v", lane, want, got)
		}
	}
}

// However many lanes are looked at, few are remembered, and those that are not lose nothing.
func TestSeekHintsOfManyLanes(t *testing.T) {
	fs := newSeekHints()
	for i := range 2*lanesKnown + 1 {
		fs.lane(fmt.Sprint(i))
	}
	if n := len(fs.lanes); n != lanesKnown {
		t.Fatalf("%d lanes are remembered, want %d", n, lanesKnown)
	}
}
