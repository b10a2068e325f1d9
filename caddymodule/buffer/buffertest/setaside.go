package buffertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func retryOf(attempts int) buffer.Retry {
	at := time.Date(2026, 3, 1, 12, 0, attempts, 7, time.UTC)
	return buffer.Retry{
		Attempts: attempts, NotBefore: at.Add(time.Hour), FirstAt: at.Add(-time.Hour), LastAt: at,
		Failing:    time.Duration(attempts) * time.Second,
		FirstError: "connection refused", LastError: "timeout ✗", Crashes: attempts % 3, Replay: fmt.Sprint("replay-", attempts),
	}
}

func deferTo(lane string, position uint64, attempts int) buffer.Outcome {
	return buffer.Outcome{Position: position, Verb: buffer.Defer, Lane: lane, Retry: retryOf(attempts)}
}

func testDefer(t *testing.T, f *fixture) {
	f.appendN(6)
	c := f.consumer("h")
	f.lease(c, 6)
	f.settle(c, deferTo("b", 4, 1), deferTo("a", 5, 2), deferTo("b", 2, 3), deferTo("ab", 3, 4), deferTo("", 6, 5), buffer.Outcome{Position: 1, Verb: buffer.Done})
	f.none(c)

	byName := map[string]buffer.Lane{}
	for _, l := range f.lanes(c) {
		byName[l.Name] = l
	}
	f.equal("lanes", map[string]buffer.Lane{
		"b":  {Name: "b", Position: 2, Retry: retryOf(3)},
		"a":  {Name: "a", Position: 5, Retry: retryOf(2)},
		"ab": {Name: "ab", Position: 3, Retry: retryOf(4)},
		"":   {Name: "", Position: 6, Retry: retryOf(5)},
	}, byName)

	first := f.leaseDeferred(c, "b", 1)
	f.equal("first of lane b", []uint64{2}, positions(first))
	f.equal("its retry", retryOf(3), first[0].Retry)
	if first[0].Event.ID != "event-2" {
		t.Fatalf("got event %q, want event-2", first[0].Event.ID)
	}
	f.equal("rest of lane b", []uint64{4}, positions(f.leaseDeferred(c, "b", 10)))
	f.equal("lane b, all leased", []uint64(nil), positions(f.leaseDeferred(c, "b", 10)))
	f.equal("a lane that is not there", []uint64(nil), positions(f.leaseDeferred(c, "zzz", 10)))
	f.equal("another consumer's lanes", []buffer.Lane(nil), f.lanes(f.consumer("other")))
}

func testDeferAgain(_ *testing.T, f *fixture) {
	f.appendN(3)
	c := f.consumer("h")
	f.lease(c, 3)
	f.settle(c, deferTo("x", 1, 1), deferTo("x", 2, 1), deferTo("x", 3, 1))
	f.leaseDeferred(c, "x", 3)
	f.settle(c, deferTo("x", 1, 2), deferTo("y", 2, 2), buffer.Outcome{Position: 3, Verb: buffer.Done})
	check := func(when string) {
		f.equal("lanes "+when, []buffer.Lane{
			{Name: "x", Position: 1, Retry: retryOf(2)}, {Name: "y", Position: 2, Retry: retryOf(2)},
		}, f.lanes(c))
		f.equal("stats "+when, buffer.ConsumerStats{Position: 3, Seen: 3, Deferred: 2}, c.Stats())
	}
	check("at once")
	f.reopen()
	c = f.consumer("h")
	check("after a reopen")
	f.leaseDeferred(c, "x", 1)
	f.leaseDeferred(c, "y", 1)
	f.settle(c, done(1)...)
	f.settle(c, buffer.Outcome{Position: 2, Verb: buffer.Dead, Reason: buffer.ReasonExhausted, Retry: retryOf(3)})
	f.crash()
	c = f.consumer("h")
	f.equal("lanes at the end", []buffer.Lane(nil), f.lanes(c))
	f.equal("stats at the end", buffer.ConsumerStats{Position: 3, Seen: 3}, c.Stats())
}

func testDeferCrash(_ *testing.T, f *fixture) {
	f.appendN(4)
	c := f.consumer("h")
	f.lease(c, 3)
	f.settle(c, deferTo("x", 3, 1), deferTo("x", 1, 1))
	f.leaseDeferred(c, "x", 1)
	f.crash()
	c = f.consumer("h")
	f.equal("fresh", []uint64{2, 4}, positions(f.lease(c, 2)))
	f.equal("deferred", []uint64{1, 3}, positions(f.leaseDeferred(c, "x", 10)))
}

func testDead(t *testing.T, f *fixture) {
	f.appendN(3)
	c := f.consumer("h")
	leases := f.lease(c, 3)
	diedAt := f.clock.Now()
	f.settle(c, buffer.Outcome{Position: 2, Verb: buffer.Dead, Reason: buffer.ReasonRejected, HandlerReason: "unknown_vehicle", Retry: retryOf(1)})
	f.clock.Advance(time.Second)
	f.settle(c, buffer.Outcome{Position: 1, Verb: buffer.Dead, Reason: buffer.ReasonExhausted, Retry: retryOf(12)})
	want := []buffer.DeadLetter{
		{Handler: "h", Reason: buffer.ReasonRejected, HandlerReason: "unknown_vehicle", Retry: retryOf(1), DiedAt: diedAt, Event: leases[1].Event},
		{Handler: "h", Reason: buffer.ReasonExhausted, Retry: retryOf(12), DiedAt: diedAt.Add(time.Second), Event: leases[0].Event},
	}
	f.equal("dead letters", want, f.deadLetters())
	f.crash()
	f.equal("dead letters after a crash", want, f.deadLetters())
	if n := f.Stats().DeadLetters; n != 2 {
		t.Fatalf("stats count %d dead letters, want 2", n)
	}
	f.equal("positions", []uint64{3}, positions(f.lease(f.consumer("h"), 1)))
}

func testUnreadable(t *testing.T, f *fixture) {
	f.consumer("h")
	f.append("1")
	e := Event("odd")
	e.Unreadable, e.Body = "not a JSON object", []byte("?")
	r, err := f.Append(f.ctx, e)
	if err != nil || r.Position != 2 {
		t.Fatalf("got %+v, %v; want position 2", r, err)
	}
	if r, err = f.Append(f.ctx, e); err != nil || !r.Duplicate || r.Position != 2 {
		t.Fatalf("sent again: got %+v, %v; want a duplicate of 2", r, err)
	}
	e.Position = 2
	want := []buffer.DeadLetter{{Reason: buffer.ReasonUnreadable, DiedAt: f.clock.Now(), Event: *e}}
	f.equal("dead letters", want, f.deadLetters())
	f.crash()
	c := f.consumer("h")
	if p := f.append("3"); p != 3 {
		t.Fatalf("got position %d, want 3", p)
	}
	f.equal("positions", []uint64{1, 3}, positions(f.lease(c, 2)))
	f.settle(c, done(1, 3)...)
	f.equal("stats", buffer.ConsumerStats{Position: 3, Seen: 3}, c.Stats())
	f.equal("dead letters at the end", want, f.deadLetters())
}

func testDamage(t *testing.T, f *fixture) {
	f.appendN(4)
	if !f.storage.Damage(t, 2) {
		t.Skip("this engine cannot damage an event")
	}
	if !f.storage.Damage(t, 3) {
		t.Fatal("damaged one event but not another")
	}
	a := f.consumer("a")
	f.equal("positions", []uint64{1, 4}, positions(f.lease(a, 2)))
	f.settle(a, done(1, 4)...)
	f.equal("stats", buffer.ConsumerStats{Position: 4, Seen: 4}, a.Stats())
	letters := f.deadLetters()
	for i, d := range letters {
		if d.Handler != "" || d.Reason != buffer.ReasonUnreadable || d.Event.Position != uint64(i+2) || d.Event.Unreadable == "" {
			t.Errorf("dead letter %d is %+v", i, d)
		}
	}
	if n := f.Stats().Corrupt; n != 2 || len(letters) != 2 {
		t.Fatalf("%d corrupt and %d dead letters, want 2 of each", n, len(letters))
	}
	f.crash()
	f.none(f.consumer("a"))
}

func testDamageDeferred(t *testing.T, f *fixture) {
	f.appendN(2)
	c := f.consumer("h")
	f.lease(c, 2)
	f.settle(c, deferTo("l", 1, 1), deferTo("l", 2, 1))
	if !f.storage.Damage(t, 1) {
		t.Skip("this engine cannot damage an event")
	}
	f.equal("positions", []uint64{2}, positions(f.leaseDeferred(c, "l", 10)))
	f.settle(c, done(2)...)
	f.equal("stats", buffer.ConsumerStats{Position: 2, Seen: 2}, c.Stats())
	if n := len(f.deadLetters()); n != 1 {
		t.Fatalf("got %d dead letters, want 1", n)
	}
}
