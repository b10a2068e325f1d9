package buffertest

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// consumers returns what the buffer says of each, by name.
func (f *fixture) consumers() map[string]buffer.ConsumerInfo {
	f.t.Helper()
	all, err := f.Consumers(f.ctx)
	if err != nil {
		f.t.Fatalf("describing consumers: %v", err)
	}
	byName := map[string]buffer.ConsumerInfo{}
	for i, c := range all {
		if i > 0 && all[i-1].Name >= c.Name {
			f.t.Fatalf("consumer %q comes behind %q", c.Name, all[i-1].Name)
		}
		byName[c.Name] = c
	}
	return byName
}

func testConsumers(t *testing.T, f *fixture) {
	if err := f.CreateConsumers(f.ctx, specs("b", "a", "c")...); err != nil {
		t.Fatal(err)
	}
	start := f.clock.Now()
	for _, id := range []string{"1", "2", "3", "4"} {
		f.append(id)
		f.clock.Advance(time.Hour)
	}
	a, b := f.consumer("a"), f.consumer("b")
	f.lease(a, 3)
	f.settle(a, done(1, 3)...)
	f.lease(b, 4)
	f.settle(b, done(1, 2, 4)...)
	f.settle(b, deferTo("l", 3, 1))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	f.equal("consumers", map[string]buffer.ConsumerInfo{
		"a": {Name: "a", ConsumerStats: buffer.ConsumerStats{Position: 1, Seen: 3, Pending: 1, Leased: 1}, Open: true, Oldest: start.Add(time.Hour)},
		"b": {Name: "b", ConsumerStats: buffer.ConsumerStats{Position: 4, Seen: 4, Deferred: 1}, Oldest: start.Add(2 * time.Hour)},
		"c": {Name: "c", ConsumerStats: buffer.ConsumerStats{Pending: 4}, Oldest: start},
	}, f.consumers())
	// An earlier event that is reopened is the oldest again; nothing open has no time.
	f.settle(a, done(2)...)
	f.settle(a, done(positions(f.lease(a, 1))...)...)
	if at := f.consumers()["a"].Oldest; !at.IsZero() {
		t.Fatalf("all is settled, and the oldest is of %s", at)
	}
	f.settle(a, reopenTo("l", 2, 1))
	if at := f.consumers()["a"].Oldest; !at.Equal(start.Add(time.Hour)) {
		t.Fatalf("the oldest is of %s, want %s", at, start.Add(time.Hour))
	}
}

func testPause(t *testing.T, f *fixture) {
	f.consumer("h")
	paused := func(when string, want time.Time) {
		t.Helper()
		if got := f.consumers()["h"].PausedSince; !got.Equal(want) {
			t.Fatalf("%s: paused since %s, want %s", when, got, want)
		}
	}
	set := func(p bool) {
		t.Helper()
		if err := f.PauseConsumer(f.ctx, "h", p); err != nil {
			t.Fatal(err)
		}
	}
	paused("at first", time.Time{})
	since := f.clock.Now()
	set(true)
	f.clock.Advance(time.Hour)
	set(true)
	paused("paused again", since)
	f.crash()
	paused("after a crash", since)
	set(false)
	f.crash()
	paused("resumed", time.Time{})
	if err := f.PauseConsumer(f.ctx, "nobody", true); !errors.Is(err, buffer.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
}

func testKeep(t *testing.T, f *fixture) {
	if err := f.CreateConsumers(f.ctx, specs("a", "b", "c")...); err != nil {
		t.Fatal(err)
	}
	keep := func(names ...string) {
		t.Helper()
		if err := f.KeepConsumers(f.ctx, names...); err != nil {
			t.Fatal(err)
		}
	}
	orphans := func(when string, want map[string]time.Time) {
		t.Helper()
		got := map[string]time.Time{}
		for name, c := range f.consumers() {
			if !c.OrphanedSince.IsZero() {
				got[name] = c.OrphanedSince
			}
		}
		f.equal("orphans "+when, want, got)
	}
	orphans("at first", nil)
	one := f.clock.Now()
	keep("a", "unknown")
	f.clock.Advance(time.Hour)
	two := f.clock.Now()
	keep("c")
	f.crash()
	orphans("after a crash", map[string]time.Time{"a": two, "b": one})
	keep("a", "b", "c")
	f.crash()
	orphans("when all are kept again", nil)
}

func testForget(t *testing.T, f *fixture) {
	f.appendN(5)
	c, same := f.consumer("h"), f.consumer("h2")
	f.lease(c, 4)
	f.settle(c,
		buffer.Outcome{Position: 1, Verb: buffer.Done, Memo: memo("k", "v")},
		buffer.Outcome{Position: 2, Verb: buffer.Dead, Reason: buffer.ReasonRejected},
		deferTo("l", 3, 1),
	)
	f.settle(same, reopenTo("l", 1, 1), buffer.Outcome{Verb: buffer.PutMemo, Memo: memo("k", "same")})
	if err := f.PauseConsumer(f.ctx, "h", true); err != nil {
		t.Fatal(err)
	}
	if err := f.ForgetConsumer(f.ctx, "h"); !errors.Is(err, buffer.ErrInUse) {
		t.Fatalf("an open consumer: got %v, want ErrInUse", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.ForgetConsumer(f.ctx, "h"); err != nil {
		t.Fatal(err)
	}
	if err := f.ForgetConsumer(f.ctx, "h"); !errors.Is(err, buffer.ErrNotFound) {
		t.Fatalf("once more: got %v, want ErrNotFound", err)
	}
	if err := c.Settle(f.ctx, reopenTo("l", 1, 1)); !errors.Is(err, buffer.ErrClosed) {
		t.Fatalf("through a closed consumer: got %v, want ErrClosed", err)
	}
	check := func(when string) {
		t.Helper()
		if _, ok := f.consumers()["h"]; ok {
			t.Fatalf("%s the consumer is still there", when)
		}
		if n := len(f.letters()); n != 1 {
			t.Fatalf("%s: %d dead letters, want 1", when, n)
		}
	}
	check("at once")
	f.crash()
	check("after a crash")
	// Another one, whose name begins alike, keeps all; a new one of the name starts anew.
	same = f.consumer("h2")
	f.equal("lanes of the other", []buffer.Lane{{Name: "l", Position: 1, Retry: retryOf(1)}}, f.lanes(same))
	f.memo(same, "k", "same")
	c = f.consumer("h")
	f.equal("stats", buffer.ConsumerStats{Position: 5, Seen: 5}, c.Stats())
	f.equal("lanes", []buffer.Lane(nil), f.lanes(c))
	f.memo(c, "k", "")
	if at := f.consumers()["h"].PausedSince; !at.IsZero() {
		t.Fatalf("the new one is paused since %s", at)
	}
}

func testLimits(t *testing.T, f *fixture) {
	limits := f.Limits()
	if limits.DedupeWindow != 7*24*time.Hour || limits.Retention < 0 || limits.DeadLetterRetention < 0 {
		t.Fatalf("got %+v, want a dedupe window of 7 days and no negative limit", limits)
	}
	f.appendN(1)
	if size := f.Stats().Bytes; limits.MaxSize > 0 && size > limits.MaxSize {
		t.Fatalf("%d bytes are stored, %+v", size, limits)
	}
	f.crash()
	if again := f.Limits(); again != limits {
		t.Fatalf("got %+v after a crash, before it was %+v", again, limits)
	}
}
