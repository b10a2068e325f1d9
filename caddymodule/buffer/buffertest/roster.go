package buffertest

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// testRestoreRoster takes back a config that removes "kept", brings back "removed" and adds "new".
func testRestoreRoster(t *testing.T, f *fixture) {
	f.appendN(3)
	start := buffer.Start{From: buffer.StartBeginning}
	all := []buffer.ConsumerSpec{{Name: "kept", Start: start}, {Name: "removed", Start: start}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.CreateConsumers(f.ctx, all...))
	must(f.KeepConsumers(f.ctx, "kept"))
	before := f.consumers()
	f.clock.Advance(time.Hour)
	roster, err := f.Roster(f.ctx)
	must(err)

	f.append("later-1", "later-2")
	must(f.CreateConsumers(f.ctx, append(all, buffer.ConsumerSpec{Name: "new", Start: start})...))
	must(f.KeepConsumers(f.ctx, "removed", "new"))
	must(f.PauseConsumer(f.ctx, "kept", true))
	c, removed := f.consumer("new"), f.consumer("removed")
	f.lease(c, 2)
	f.settle(c, buffer.Outcome{Position: 1, Verb: buffer.Done, Memo: memo("k", "v")}, deferTo("l", 2, 1))
	f.lease(removed, 1)
	f.settle(removed, buffer.Outcome{Position: 1, Verb: buffer.Done})
	must(removed.Close())
	if err := f.RestoreRoster(f.ctx, roster); !errors.Is(err, buffer.ErrInUse) {
		t.Fatalf("while a new one is open: got %v, want ErrInUse", err)
	}
	if n := len(f.consumers()); n != 3 {
		t.Fatalf("%d consumers after that, want 3", n)
	}
	must(c.Close())
	must(f.RestoreRoster(f.ctx, roster))

	check := func(when string) {
		t.Helper()
		is := f.consumers()
		if len(is) != 2 {
			t.Fatalf("%s: consumers %v, want those of before", when, is)
		}
		for name, was := range before {
			f.equal(when+": since when "+name+" is an orphan", was.OrphanedSince, is[name].OrphanedSince)
			f.equal(when+": when it is let go of", was.LetGoAt, is[name].LetGoAt)
		}
		if is["kept"].PausedSince.IsZero() {
			t.Fatalf("%s: the pause is gone, which an operator ordered", when)
		}
		f.equal(when+": waiting for kept", uint64(5), is["kept"].Pending)
		f.equal(when+": waiting for removed", uint64(4), is["removed"].Pending)
	}
	check("at once")
	f.crash()
	check("after a crash")
	// A later one of the name has nothing of it.
	c = f.consumer("new")
	f.equal("stats", buffer.ConsumerStats{Position: 5, Seen: 5}, c.Stats())
	f.memo(c, "k", "")
}

// testRestoreNone: a buffer that never had a consumer is as before, so that the first ones get all that is stored.
func testRestoreNone(t *testing.T, f *fixture) {
	f.appendN(3)
	roster, err := f.Roster(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.CreateConsumers(f.ctx, specs("refused")...); err != nil {
		t.Fatal(err)
	}
	if err := f.RestoreRoster(f.ctx, roster); err != nil {
		t.Fatal(err)
	}
	f.crash()
	f.equal("what the first consumer gets", uint64(3), f.consumer("first").Stats().Pending)
	// From here on there has been one.
	if roster, err = f.Roster(f.ctx); err != nil || !roster.Ever {
		t.Fatalf("got %+v, %v, want a buffer that has had a consumer", roster, err)
	}
}
