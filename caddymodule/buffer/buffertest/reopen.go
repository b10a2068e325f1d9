package buffertest

import (
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func reopenTo(lane string, position uint64, attempts int) buffer.Outcome {
	return buffer.Outcome{Position: position, Verb: buffer.Reopen, Lane: lane, Retry: retryOf(attempts)}
}

func memo(key, value string) *buffer.Memo { return &buffer.Memo{Key: key, Value: []byte(value)} }

func (f *fixture) memo(c buffer.Consumer, key, want string) {
	f.t.Helper()
	got, err := c.Memo(f.ctx, key)
	if err != nil {
		f.t.Fatalf("reading memo %q: %v", key, err)
	}
	if string(got) != want || (got == nil) != (want == "") {
		f.t.Fatalf("memo %q is %q, want %q", key, got, want)
	}
}

func testReopen(t *testing.T, f *fixture) {
	f.appendN(5)
	c := f.consumer("h")
	f.lease(c, 5)
	f.settle(c, done(1, 2, 3)...)
	f.settle(c, buffer.Outcome{Position: 4, Verb: buffer.Skip})
	// 5 stays leased. No lease is needed for the others.
	f.settle(c, reopenTo("b", 4, 1), reopenTo("a", 3, 2), reopenTo("a", 1, 3))
	check := func(when string) {
		f.equal("lanes "+when, []buffer.Lane{
			{Name: "a", Position: 1, Retry: retryOf(3)}, {Name: "b", Position: 4, Retry: retryOf(1)},
		}, f.lanes(c))
		if n := c.Stats().Deferred; n != 3 {
			t.Fatalf("%s: stats count %d deferred, want 3", when, n)
		}
	}
	check("at once")
	f.reopen()
	c = f.consumer("h")
	check("after a reopen")
	f.equal("fresh", []uint64{5}, positions(f.lease(c, 1)))
	leases := f.leaseDeferred(c, "a", 10)
	f.equal("lane a", []uint64{1, 3}, positions(leases))
	f.equal("its retry", retryOf(3), leases[0].Retry)
	f.settle(c, done(1, 3, 5)...)
	f.settle(c, reopenTo("a", 1, 4)) // and again
	f.equal("lane a again", []uint64{1}, positions(f.leaseDeferred(c, "a", 10)))
	f.leaseDeferred(c, "b", 1)
	f.settle(c, done(1, 4)...)
	f.equal("stats", buffer.ConsumerStats{Position: 5, Seen: 5}, c.Stats())
	f.crash()
	f.equal("lanes at the end", []buffer.Lane(nil), f.lanes(f.consumer("h")))
	// What was before a consumer's start counts as settled.
	later := f.consumer("later")
	f.settle(later, reopenTo("x", 2, 1))
	f.equal("positions of a later consumer", []uint64{2}, positions(f.leaseDeferred(later, "x", 10)))
}

func testReopenIgnored(t *testing.T, f *fixture) {
	f.appendN(4)
	e := Event("odd")
	e.Unreadable = "odd"
	if _, err := f.Append(f.ctx, e); err != nil {
		t.Fatal(err)
	}
	c := f.consumer("h")
	f.lease(c, 3)
	f.settle(c, done(1)...)
	f.settle(c, deferTo("l", 2, 1))
	with := func(o buffer.Outcome, key string) buffer.Outcome { o.Memo = memo(key, "x"); return o }
	f.settle(c,
		with(reopenTo("r", 2, 9), "deferred"), with(reopenTo("r", 3, 9), "leased"), with(reopenTo("r", 4, 9), "pending"),
		with(reopenTo("r", 5, 9), "no event"), with(reopenTo("r", 99, 9), "not yet"), with(reopenTo("r", 0, 9), "zero"),
		with(buffer.Outcome{Position: 1, Verb: buffer.Reopen, Lane: "r", Letter: "nonsense"}, "no letter"),
	)
	f.equal("lanes", []buffer.Lane{{Name: "l", Position: 2, Retry: retryOf(1)}}, f.lanes(c))
	for _, key := range []string{"deferred", "leased", "pending", "no event", "not yet", "zero", "no letter"} {
		f.memo(c, key, "")
	}
	// A deferred event that is leased is open too.
	f.leaseDeferred(c, "l", 1)
	f.settle(c, reopenTo("r", 2, 9))
	f.settle(c, reopenTo("r", 1, 9))
	f.equal("positions", []uint64{1}, positions(f.leaseDeferred(c, "r", 10)))
	// Reopened and leased: once more changes nothing.
	f.settle(c, reopenTo("other", 1, 8))
	f.settle(c, done(1, 2, 3)...)
	f.equal("lanes at the end", []buffer.Lane(nil), f.lanes(c))
	f.equal("stats", buffer.ConsumerStats{Position: 3, Seen: 3, Pending: c.Stats().Pending}, c.Stats())
}

func testReopenOrder(_ *testing.T, f *fixture) {
	f.appendN(3)
	c := f.consumer("h")
	f.lease(c, 3)
	f.settle(c, done(1)...)
	f.settle(c,
		reopenTo("a", 2, 1), buffer.Outcome{Position: 2, Verb: buffer.Done}, // was open: stays settled
		buffer.Outcome{Position: 3, Verb: buffer.Done}, reopenTo("a", 3, 2),
		reopenTo("a", 1, 3), reopenTo("b", 1, 4), // the second finds it open
	)
	f.equal("lanes", []buffer.Lane{{Name: "a", Position: 1, Retry: retryOf(3)}}, f.lanes(c))
	f.equal("positions", []uint64{1, 3}, positions(f.leaseDeferred(c, "a", 10)))
	f.equal("stats", buffer.ConsumerStats{Position: 3, Seen: 3, Leased: 2, Deferred: 2}, c.Stats())
	// A deferred event is settled and reopened in one step.
	f.settle(c, buffer.Outcome{Position: 1, Verb: buffer.Done}, reopenTo("c", 1, 5), buffer.Outcome{Position: 3, Verb: buffer.Done})
	f.equal("lanes at the end", []buffer.Lane{{Name: "c", Position: 1, Retry: retryOf(5)}}, f.lanes(c))
	f.equal("stats at the end", buffer.ConsumerStats{Position: 3, Seen: 3, Deferred: 1}, c.Stats())
}

func testReopenLetter(t *testing.T, f *fixture) {
	f.appendN(3)
	c, other := f.consumer("h"), f.consumer("other")
	leases := f.lease(c, 3)
	for _, p := range []uint64{1, 2, 3} {
		f.settle(c, buffer.Outcome{Position: p, Verb: buffer.Dead, Reason: buffer.ReasonRejected, Retry: retryOf(1)})
	}
	letters := f.letters()
	o := reopenTo("l", 2, 5)
	o.Letter = letters[1].ID
	if err := other.Settle(f.ctx, o); err == nil {
		t.Fatal("another handler's letter was taken")
	}
	wrong := o
	wrong.Position = 1
	if err := c.Settle(f.ctx, wrong); err == nil {
		t.Fatal("another event's letter was taken")
	}
	// Twice in one call, and once more: the letter is gone by then.
	f.settle(c, o, o)
	f.settle(c, o)
	f.equal("letters", []buffer.DeadLetter{letters[0], letters[2]}, f.letters())
	if n := f.Stats().DeadLetters; n != 2 {
		t.Fatalf("stats count %d dead letters, want 2", n)
	}
	got := f.leaseDeferred(c, "l", 10)
	f.equal("leases", []buffer.Lease{{Event: leases[1].Event, Retry: retryOf(5)}}, got)
	// On a clock that stands still it dies a second time, beside a letter that stays.
	f.settle(c, reopenTo("l", 1, 1))
	f.leaseDeferred(c, "l", 10)
	f.settle(c, buffer.Outcome{Position: 1, Verb: buffer.Dead, Reason: buffer.ReasonExhausted}, buffer.Outcome{Position: 2, Verb: buffer.Dead, Reason: buffer.ReasonPoison})
	if n := len(f.letters()); n != 4 || f.Stats().DeadLetters != 4 {
		t.Fatalf("%d letters, stats count %d, want 4", n, f.Stats().DeadLetters)
	}
	// A reopened event whose letter was meant is not settled any more once another call has it.
	f.settle(c, reopenTo("l", 3, 1))
	o = reopenTo("l", 3, 2)
	o.Letter = letters[2].ID
	f.settle(c, o)
	if n := len(f.letters()); n != 4 {
		t.Fatalf("a letter went although its event is open: %d are left, want 4", n)
	}
}

func testReopenCrash(_ *testing.T, f *fixture) {
	f.appendN(3)
	c := f.consumer("h")
	f.lease(c, 3)
	f.settle(c, done(1, 3)...)
	f.settle(c, buffer.Outcome{Position: 2, Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	f.clock.Advance(time.Second)
	o := reopenTo("l", 2, 1)
	o.Letter = f.letters()[0].ID
	f.settle(c, reopenTo("l", 3, 2), o, buffer.Outcome{Verb: buffer.PutMemo, Memo: memo("cursor", "3")})
	f.leaseDeferred(c, "l", 1)
	f.crash()
	c = f.consumer("h")
	f.memo(c, "cursor", "3")
	f.equal("letters", []buffer.DeadLetter(nil), f.letters())
	f.equal("stats", buffer.ConsumerStats{Position: 3, Seen: 3, Deferred: 2}, c.Stats())
	f.equal("positions", []uint64{2, 3}, positions(f.leaseDeferred(c, "l", 10)))
}
