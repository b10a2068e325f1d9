package disk

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// fillUp appends until the buffer is full, and returns how many it took.
func fillUp(t *testing.T, b *Buffer, prefix string) (n int) {
	t.Helper()
	for ; ; n++ {
		_, err := b.Append(t.Context(), crashEvent(fmt.Sprint(prefix, n), 10000))
		if errors.Is(err, buffer.ErrFull) && !errors.Is(err, buffer.ErrHalted) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A full buffer takes no events, but all that empties it: outcomes of every kind.
func TestFullStillSettles(t *testing.T) {
	const limit = 2 << 20
	b, _ := openFor(t, Options{Limits: Limits{MaxSize: limit}})
	c := openConsumer(t, b, "h")
	settleOne := func(o buffer.Outcome) uint64 {
		t.Helper()
		leases, err := c.Lease(t.Context(), buffer.Room{Events: 1})
		if err != nil {
			t.Fatal(err)
		}
		o.Position = leases[0].Event.Position
		if err := c.Settle(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		return o.Position
	}
	fillUp(t, b, "a")
	if s := b.Stats(); s.Bytes > limit*refuseAbove/100 {
		t.Fatalf("%d bytes were taken, the last of %d should stay free", s.Bytes, limit)
	}
	dead := settleOne(buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	settleOne(buffer.Outcome{Verb: buffer.Defer, Lane: "l"})
	done := settleOne(buffer.Outcome{Verb: buffer.Done, Memo: memoOf("k", "v")})
	letter := buffer.DeadLetterID("")
	for d, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		letter = d.ID
	}
	reopen := []buffer.Outcome{
		{Verb: buffer.Reopen, Position: dead, Letter: letter, Lane: "l"},
		{Verb: buffer.Reopen, Position: done, Lane: "l"},
		{Verb: buffer.PutMemo, Memo: memoOf("k", "w")},
	}
	if err := c.Settle(t.Context(), reopen...); err != nil {
		t.Fatal(err)
	}
	if n := c.Stats().Deferred; n != 3 {
		t.Fatalf("%d events are deferred, want 3", n)
	}
	if s := b.Stats(); s.Bytes > limit {
		t.Fatalf("%d bytes are stored, the limit is %d", s.Bytes, limit)
	}
}

// A buffer that was full has room again within about a second of being settled, although nobody asks.
func TestFullRecoversByItself(t *testing.T) {
	b, _ := openFor(t, Options{Limits: Limits{MaxSize: 1 << 20}})
	c := openConsumer(t, b, "h")
	n := fillUp(t, b, "a")
	// The keeper has found nothing to trim, again and again.
	for range 100 {
		if _, err := b.Append(t.Context(), crashEvent("x", 10000)); !errors.Is(err, buffer.ErrFull) {
			t.Fatalf("got %v, want ErrFull", err)
		}
	}
	if err := b.Stats().Full; !errors.Is(err, buffer.ErrFull) {
		t.Errorf("the figures say %v, want ErrFull", err)
	}
	// What they have asked for is over before there is anything to trim.
	await(t, time.Minute, "the keeper is at rest", func() bool { return len(b.sweep) == 0 })
	if err := b.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	settleN(t, c, n, doneAll)
	await(t, 3*pressureEvery, "there is room", func() bool { return !b.nearFull() })
	if err := b.Stats().Full; err != nil {
		t.Errorf("the figures say %v when there is room", err)
	}
	if _, err := b.Append(t.Context(), crashEvent("x", 10000)); err != nil {
		t.Fatal(err)
	}
}

// While the disk is short of space, settled events go early, as many as are missing, and not again
// before the files had time to shrink.
func TestHeadroomTrims(t *testing.T) {
	const headroom = 256 << 20
	mem := vfs.NewMem()
	free := func(n uint64) { mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: n, TotalBytes: 1 << 30}) }
	free(1 << 30)
	b, clock := openFor(t, Options{FS: mem, Limits: Limits{Headroom: 1 << 20}})
	live, gone := openConsumer(t, b, "live"), openConsumer(t, b, "gone")
	appendTo(t, b, 1, 200)
	settleN(t, live, 150, doneAll)
	settleN(t, gone, 100, doneAll)
	closeAll(t, gone)
	free(1<<20 - 200_000)
	b.checkHeadroom()
	if _, err := b.Append(t.Context(), crashEvent("x", 1)); !errors.Is(err, buffer.ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	trimmed := func(from, to uint64) {
		t.Helper()
		if err := b.trim(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.Stats().First; got < from || got > to {
			t.Fatalf("the oldest event is %d, want %d to %d", got, from, to)
		}
	}
	// 200 kB and an eighth of the headroom are some 33 events.
	trimmed(30, 40)
	trimmed(30, 40)
	clock.Advance(sweepEvery)
	trimmed(60, 80)
	clock.Advance(sweepEvery)
	trimmed(95, 101)
	clock.Advance(sweepEvery)
	trimmed(101, 101) // the rest is not settled
	keepOnly(t, b, "live")
	clock.Advance(sweepEvery)
	trimmed(101, 101) // the orphan is young
	clock.Advance(orphanGrace)
	trimmed(125, 145) // an orphan gives way
	clock.Advance(sweepEvery)
	trimmed(151, 151)
	clock.Advance(sweepEvery)
	trimmed(151, 151) // a live consumer does not
	free(headroom)
	b.checkHeadroom()
	if _, err := b.Append(t.Context(), crashEvent("x", 1)); err != nil {
		t.Fatal(err)
	}
}

// A trim that found nothing to take must not put off the one that does.
func TestHeadroomTrimsAsSoonAsSomethingIsSettled(t *testing.T) {
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 30})
	b, _ := openFor(t, Options{FS: mem, Limits: Limits{Headroom: 1 << 20}})
	c := openConsumer(t, b, "c")
	appendTo(t, b, 1, 100)
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1<<20 - 200_000, TotalBytes: 1 << 30})
	b.checkHeadroom()
	for _, settled := range []bool{false, true} {
		if settled {
			settleN(t, c, 100, doneAll)
		}
		if err := b.trim(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first := b.Stats().First; (first > 1) != settled {
			t.Errorf("settled %t: the oldest event is %d", settled, first)
		}
	}
}

// Who keeps the buffer full is in the log: consumers by name, or dead letters.
func TestFullSaysWhy(t *testing.T) {
	var j journal
	b, clock := openFor(t, Options{Limits: Limits{MaxSize: 1 << 20, Retention: hour}, Log: j.log()})
	slow := openConsumer(t, b, "slow")
	trim := func() {
		t.Helper()
		clock.Advance(sweepEvery)
		if err := b.trim(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	n := fillUp(t, b, "a")
	trim()
	if len(j.with("level=WARN", "consumers=slow", "position=1")) == 0 {
		t.Fatalf("got %q", j.all())
	}
	settleN(t, slow, n, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	clock.Advance(hour)
	trim()
	if len(j.with("level=WARN", "dead letters take the room")) > 0 {
		t.Fatalf("got %q, although events could go", j.all())
	}
	trim()
	if len(j.with("level=WARN", "dead letters take the room")) == 0 {
		t.Fatalf("got %q", j.all())
	}
}

// await polls until something is so.
func await(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for !so() {
		select {
		case <-deadline.C:
			t.Fatalf("after %s it is still not so that %s", limit, what)
		case <-poll.C:
		}
	}
}
