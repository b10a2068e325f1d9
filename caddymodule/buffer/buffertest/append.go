package buffertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func testFields(t *testing.T, f *fixture) {
	want := Event("1")
	want.Body = []byte{0, 1, 0xff, '\n'}
	if _, err := f.Append(f.ctx, want); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(f.ctx, &buffer.Event{}); err != nil {
		t.Fatalf("an event with nothing in it: %v", err)
	}
	f.reopen()
	got := f.lease(f.consumer("h"), 2)
	want.Position = 1
	f.equal("events", []buffer.Lease{{Event: *want}, {Event: buffer.Event{Position: 2}}}, got)
}

func testPositions(t *testing.T, f *fixture) {
	for i := range uint64(5) {
		if p := f.append(fmt.Sprint(i)); p != i+1 {
			t.Fatalf("event %d has position %d, want %d", i, p, i+1)
		}
	}
	f.reopen()
	if p := f.append("after"); p != 6 {
		t.Fatalf("after a reopen the position is %d, want 6", p)
	}
	s := f.Stats()
	if s.First != 1 || s.Last != 6 || s.Appended != 1 || s.Bytes == 0 {
		t.Fatalf("got stats %+v", s)
	}
}

func testBodyCopied(t *testing.T, f *fixture) {
	e := Event("1")
	want := string(e.Body)
	if _, err := f.Append(f.ctx, e); err != nil {
		t.Fatal(err)
	}
	clear(e.Body)
	if got := string(f.lease(f.consumer("h"), 1)[0].Event.Body); got != want {
		t.Fatalf("got body %q, want %q", got, want)
	}
}

func testAppendCtx(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	if _, err := f.Append(ctx, Event("1")); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
	if r, err := f.Append(f.ctx, Event("1")); err != nil || r.Duplicate {
		t.Fatalf("sent again: got %+v, %v", r, err)
	}
}

func testParallel(t *testing.T, f *fixture) {
	const total, distinct = 1000, 900
	receipts := make([]buffer.Receipt, total)
	errs := make([]error, total)
	var wg sync.WaitGroup
	for i := range total {
		wg.Go(func() { receipts[i], errs[i] = f.Append(f.ctx, Event(fmt.Sprint(i%distinct))) })
	}
	wg.Wait()
	duplicates := 0
	for i, r := range receipts {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if r.Duplicate {
			duplicates++
		}
		if r.Position != receipts[i%distinct].Position {
			t.Fatalf("event %d has positions %d and %d", i%distinct, r.Position, receipts[i%distinct].Position)
		}
	}
	if duplicates != total-distinct {
		t.Fatalf("%d were called duplicates, want %d", duplicates, total-distinct)
	}
	seen := map[string]bool{}
	for _, l := range f.lease(f.consumer("h"), distinct) {
		if seen[l.Event.ID] {
			t.Fatalf("event %s is stored twice", l.Event.ID)
		}
		seen[l.Event.ID] = true
	}
	if s := f.Stats(); s.Last != distinct || s.Appended != distinct || s.Duplicates != total-distinct || s.Syncs > distinct {
		t.Fatalf("got stats %+v", s)
	}
}

func testDuplicate(t *testing.T, f *fixture) {
	f.append("0", "1")
	for _, when := range []string{"at once", "after a reopen"} {
		e := Event("1")
		e.DeliveryID, e.Body = "another", []byte("{}")
		r, err := f.Append(f.ctx, e)
		if want := (buffer.Receipt{Position: 2, Duplicate: true}); err != nil || r != want {
			t.Fatalf("%s: got %+v, %v; want %+v", when, r, err, want)
		}
		f.reopen()
	}
	f.equal("positions", []uint64{1, 2}, positions(f.lease(f.consumer("h"), 2)))
}

func testDiffers(t *testing.T, f *fixture) {
	f.append("1")
	e := Event("1")
	e.Digest++
	r, err := f.Append(f.ctx, e)
	if want := (buffer.Receipt{Position: 1, Duplicate: true, Differs: true, Kept: true}); err != nil || r != want {
		t.Fatalf("got %+v, %v; want %+v", r, err, want)
	}
}

// An event that differs from the stored one is kept, once, and a few of one id. An event that is like the stored one is
// a duplicate as before.
func testConflict(t *testing.T, f *fixture) {
	f.append("1")
	conflicting := func(n int) *buffer.Event {
		e := Event("1")
		e.VehicleID, e.Digest, e.Body = fmt.Sprintf("other-%d", n), e.Digest+uint64(n), fmt.Appendf(nil, `{"n":%d}`, n)
		return e
	}
	var want []string
	for n := range 20 {
		for _, when := range []string{"first", "again", "after a crash"} {
			if when == "after a crash" {
				f.crash()
			}
			e := conflicting(n)
			r, err := f.Append(f.ctx, e)
			if err != nil || !r.Duplicate || r.Position != 1 || r.Differs != (n > 0) || r.Kept != (1 <= n && n <= 4) {
				t.Fatalf("event %d, %s: got %+v, %v", n, when, r, err)
			}
		}
		if 1 <= n && n <= 4 {
			want = append(want, fmt.Sprintf("other-%d", n))
		}
	}
	var got []string
	for _, l := range f.letters() {
		if l.Reason != buffer.ReasonConflict || l.Handler != "" {
			t.Errorf("letter %+v", l)
		}
		got = append(got, l.Event.VehicleID)
	}
	f.equal("letters", want, got)
	f.append("2")
	leases := f.lease(f.consumer("h"), 2)
	if leases[0].Event.ID != "1" || leases[1].Event.ID != "2" {
		t.Errorf("handlers get %q and %q", leases[0].Event.ID, leases[1].Event.ID)
	}
}

// What could not be read is no reason to drop what can be.
func testReadableAfterUnreadable(t *testing.T, f *fixture) {
	for _, when := range []string{"in the same life", "after a crash"} {
		id := "id " + when
		odd := Event(id)
		odd.Unreadable, odd.Digest, odd.Body = "cut off", odd.Digest+1, []byte("{")
		if r, err := f.Append(f.ctx, odd); err != nil || r.Duplicate {
			t.Fatalf("%s: got %+v, %v", when, r, err)
		}
		if when == "after a crash" {
			f.crash()
		}
		r, err := f.Append(f.ctx, Event(id))
		if err != nil || r.Duplicate {
			t.Fatalf("%s: the readable one: got %+v, %v", when, r, err)
		}
		again, err := f.Append(f.ctx, Event(id))
		if err != nil || !again.Duplicate || again.Differs || again.Position != r.Position {
			t.Fatalf("%s: the readable one again: got %+v, %v", when, again, err)
		}
	}
	f.equal("positions", []uint64{2, 4}, positions(f.lease(f.consumer("h"), 2)))
	if n := len(f.letters()); n != 2 {
		t.Errorf("%d dead letters, want the two that could not be read", n)
	}
}

func testSources(t *testing.T, f *fixture) {
	// Pairs that run together into the same bytes.
	for i, e := range []buffer.Event{
		{Source: "a", ID: "bc"}, {Source: "ab", ID: "c"}, {Source: "abc"}, {ID: "abc"},
		{Source: "a\x00b", ID: "c"}, {Source: "a", ID: "\x00bc"}, {Source: "a", ID: longID + "1"}, {Source: "a", ID: longID + "2"},
	} {
		r, err := f.Append(f.ctx, &e)
		if err != nil || r.Duplicate || r.Position != uint64(i+1) {
			t.Fatalf("event %d: got %+v, %v", i, r, err)
		}
		if r, err = f.Append(f.ctx, &e); err != nil || !r.Duplicate || r.Position != uint64(i+1) {
			t.Fatalf("event %d again: got %+v, %v", i, r, err)
		}
	}
}

var longID = fmt.Sprintf("%02000d", 0)

func testDuplicateAtOnce(t *testing.T, f *fixture) {
	for round := range 20 {
		id := fmt.Sprint(round)
		var wg sync.WaitGroup
		var mu sync.Mutex
		firsts := 0
		for range 16 {
			wg.Go(func() {
				r, err := f.Append(f.ctx, Event(id))
				mu.Lock()
				defer mu.Unlock()
				if err != nil || r.Position != uint64(round+1) {
					t.Errorf("got %+v, %v; want position %d", r, err, round+1)
				}
				if !r.Duplicate {
					firsts++
				}
			})
		}
		wg.Wait()
		if firsts != 1 {
			t.Fatalf("%d of the same event were called new, want 1", firsts)
		}
	}
}

func testWindow(t *testing.T, f *fixture) {
	const day = 24 * time.Hour
	f.append("old")
	for _, step := range []struct {
		name      string
		advance   time.Duration
		duplicate bool
	}{
		{"within the window", 6 * day, true},
		{"at its end", 1 * day, true},
		{"behind it", time.Second, false},
		{"within the window of the second copy", 7 * day, true},
		{"behind that one", time.Hour, false},
		{"long after", 100 * day, false},
	} {
		f.clock.Advance(step.advance)
		f.append(step.name) // so that buckets come and go
		for _, again := range []bool{false, true} {
			r, err := f.Append(f.ctx, Event("old"))
			if want := step.duplicate || again; err != nil || r.Duplicate != want {
				t.Fatalf("%s: duplicate is %v (%v), want %v", step.name, r.Duplicate, err, want)
			}
			f.reopen()
		}
	}
}

func testDuplicateAfterCrash(t *testing.T, f *fixture) {
	f.append("1", "2")
	f.crash()
	r, err := f.Append(f.ctx, Event("2"))
	if want := (buffer.Receipt{Position: 2, Duplicate: true}); err != nil || r != want {
		t.Fatalf("got %+v, %v; want %+v", r, err, want)
	}
}
