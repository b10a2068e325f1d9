package buffertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// inRange lists the positions in a range; those that cannot be read are negative.
func (f *fixture) inRange(r buffer.Range) (all []int) {
	f.t.Helper()
	for e, err := range f.Events(f.ctx, r) {
		if e.Position == 0 {
			f.t.Fatalf("an event without a position: %v", err)
		}
		if err != nil {
			all = append(all, -int(e.Position))
			continue
		}
		all = append(all, int(e.Position))
	}
	return all
}

func testEvents(t *testing.T, f *fixture) {
	start := f.clock.Now()
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	for i := range 6 { // at hours 0 to 5; 4 is a gap
		e := Event(fmt.Sprint(i + 1))
		if i == 3 {
			e.Unreadable = "odd"
		}
		if _, err := f.Append(f.ctx, e); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Hour)
	}
	f.append("7") // at hour 6, with the next one
	f.append("8")
	for _, test := range []struct {
		name string
		r    buffer.Range
		want []int
	}{
		{"all", buffer.Range{}, []int{1, 2, 3, 5, 6, 7, 8}},
		{"positions", buffer.Range{First: 2, Last: 6}, []int{2, 3, 5, 6}},
		{"one", buffer.Range{First: 3, Last: 3}, []int{3}},
		{"a gap", buffer.Range{First: 4, Last: 4}, nil},
		{"from", buffer.Range{First: 7}, []int{7, 8}},
		{"to", buffer.Range{Last: 2}, []int{1, 2}},
		{"beyond", buffer.Range{First: 9}, nil},
		{"turned around", buffer.Range{First: 5, Last: 2}, nil},
		{"since, inclusive", buffer.Range{Since: hour(4)}, []int{5, 6, 7, 8}},
		{"since, between", buffer.Range{Since: hour(4).Add(1)}, []int{6, 7, 8}},
		{"until, exclusive", buffer.Range{Until: hour(4)}, []int{1, 2, 3}},
		{"until, just behind", buffer.Range{Until: hour(4).Add(1)}, []int{1, 2, 3, 5}},
		{"both times", buffer.Range{Since: hour(1), Until: hour(6)}, []int{2, 3, 5, 6}},
		{"times before all", buffer.Range{Until: hour(0)}, nil},
		{"times behind all", buffer.Range{Since: hour(7)}, nil},
		{"times and positions", buffer.Range{First: 3, Last: 7, Since: hour(1), Until: hour(5)}, []int{3, 5}},
	} {
		f.equal(test.name, test.want, f.inRange(test.r))
		test.r.Backwards = true
		var back []int
		for i := range test.want {
			back = append(back, test.want[len(test.want)-1-i])
		}
		f.equal(test.name+", backwards", back, f.inRange(test.r))
	}
	want := Event("2")
	want.Position = 2
	for e, err := range f.Events(f.ctx, buffer.Range{First: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		f.equal("the event", *want, e)
		break
	}
}

func testEventsDamage(t *testing.T, f *fixture) {
	f.appendN(5)
	if !f.storage.Damage(t, 3) {
		t.Skip("this engine cannot damage an event")
	}
	f.equal("positions", []int{1, 2, -3, 4, 5}, f.inRange(buffer.Range{}))
	f.equal("positions, backwards", []int{5, 4, -3, 2, 1}, f.inRange(buffer.Range{Backwards: true}))
	if _, err := f.Event(f.ctx, 3); err == nil || errors.Is(err, buffer.ErrNotFound) {
		t.Fatalf("got %v, want another error", err)
	}
	if n := f.Stats().DeadLetters; n != 0 {
		t.Fatalf("looking has made %d dead letters", n)
	}
}

func testEventsUnlocked(t *testing.T, f *fixture) {
	f.appendN(300)
	c := f.consumer("h")
	seen := 0
	for e, err := range f.Events(f.ctx, buffer.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; int(e.Position) != seen {
			t.Fatalf("event %d comes as number %d", e.Position, seen)
		}
		if seen%100 == 1 {
			f.append(fmt.Sprint("while it runs ", seen))
			f.settle(c, done(positions(f.lease(c, 1))...)...)
		}
	}
	if seen != 300 {
		t.Fatalf("got %d events, want the 300 that were there", seen)
	}
	// Even Close does not wait for the caller.
	var last error
	for _, err := range f.Events(f.ctx, buffer.Range{}) {
		if last = err; last != nil {
			break
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(last, buffer.ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", last)
	}
}

func testEvent(t *testing.T, f *fixture) {
	f.append("1", "2")
	e := Event("odd")
	e.Unreadable = "odd"
	if _, err := f.Append(f.ctx, e); err != nil {
		t.Fatal(err)
	}
	f.crash()
	want := Event("2")
	want.Position = 2
	got, err := f.Event(f.ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	f.equal("the event", *want, got)
	for _, p := range []uint64{0, 3, 4, 1 << 63} {
		if _, err := f.Event(f.ctx, p); !errors.Is(err, buffer.ErrNotFound) {
			t.Errorf("event %d: got %v, want ErrNotFound", p, err)
		}
	}
	for id, want := range map[string]uint64{"1": 1, "2": 2, "odd": 3} {
		if p, err := f.Lookup(f.ctx, "production", id); err != nil || p != want {
			t.Errorf("event %q: got %d, %v; want %d", id, p, err, want)
		}
	}
	for _, id := range [][2]string{{"production", "3"}, {"staging", "1"}, {"", ""}} {
		if _, err := f.Lookup(f.ctx, id[0], id[1]); !errors.Is(err, buffer.ErrNotFound) {
			t.Errorf("event %q: got %v, want ErrNotFound", id, err)
		}
	}
	f.clock.Advance(8 * 24 * time.Hour)
	if _, err := f.Lookup(f.ctx, "production", "1"); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("behind the window: got %v, want ErrNotFound", err)
	}
}

func testStates(t *testing.T, f *fixture) {
	if err := f.CreateConsumers(f.ctx, specs("b", "a", "c")...); err != nil {
		t.Fatal(err)
	}
	f.appendN(3)
	a, b := f.consumer("a"), f.consumer("b")
	f.lease(a, 2)
	f.lease(b, 3)
	f.settle(a, done(1)...)
	f.settle(b, deferTo("", 1, 1), deferTo("lane", 2, 2))
	check := func(when string, position uint64, a, b, c buffer.State) {
		t.Helper()
		a.Consumer, b.Consumer, c.Consumer = "a", "b", "c"
		got, err := f.States(f.ctx, position)
		if err != nil {
			t.Fatal(err)
		}
		f.equal(fmt.Sprintf("states of %d %s", position, when), []buffer.State{a, b, c}, got)
	}
	settled, pending := buffer.State{Phase: buffer.PhaseSettled}, buffer.State{Phase: buffer.PhasePending}
	deferred := func(lane string, n int) buffer.State {
		return buffer.State{Phase: buffer.PhaseDeferred, Lane: lane, Retry: retryOf(n)}
	}
	for _, when := range []string{"at once", "after a crash"} {
		check(when, 1, settled, deferred("", 1), pending)
		check(when, 2, pending, deferred("lane", 2), pending)
		check(when, 3, pending, pending, pending)
		f.crash()
	}
	b = f.consumer("b")
	f.leaseDeferred(b, "lane", 1)
	check("leased", 2, pending, deferred("lane", 2), pending)
	f.settle(b, done(2)...)
	check("settled", 2, pending, settled, pending)
	f.settle(b, reopenTo("again", 2, 7))
	check("reopened", 2, pending, deferred("again", 7), pending)
	for _, p := range []uint64{0, 4} {
		if _, err := f.States(f.ctx, p); !errors.Is(err, buffer.ErrNotFound) {
			t.Errorf("event %d: got %v, want ErrNotFound", p, err)
		}
	}
}
