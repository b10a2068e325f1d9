package buffertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func testOrder(t *testing.T, f *fixture) {
	f.appendN(100)
	a, b := f.consumer("a"), f.consumer("b")
	for i, l := range f.lease(a, 100) {
		if l.Event.Position != uint64(i+1) || l.Event.ID != fmt.Sprintf("event-%d", i+1) {
			t.Fatalf("lease %d is of %q at %d", i, l.Event.ID, l.Event.Position)
		}
	}
	f.none(a)
	f.append("next")
	f.equal("positions", []uint64{101}, positions(f.lease(b, 1)))
}

func testBlocks(t *testing.T, f *fixture) {
	c := f.consumer("h")
	got := make(chan []buffer.Lease)
	go func() {
		leases, _ := c.Lease(f.ctx, buffer.Room{Events: 10})
		got <- leases
	}()
	select {
	case l := <-got:
		t.Fatalf("Lease returned %v from an empty buffer", l)
	default:
	}
	f.append("1")
	f.equal("positions", []uint64{1}, positions(<-got))
}

func testLeaseCtx(t *testing.T, f *fixture) {
	c := f.consumer("h")
	ctx, cancel := context.WithCancel(f.ctx)
	got := make(chan error)
	go func() {
		_, err := c.Lease(ctx, buffer.Room{Events: 1})
		got <- err
	}()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
	f.append("1")
	f.equal("positions", []uint64{1}, positions(f.lease(c, 1)))
}

func testOpenOnce(t *testing.T, f *fixture) {
	c := f.consumer("h")
	if _, err := f.Consumer(f.ctx, "h"); err == nil {
		t.Fatal("a second consumer of the same name could be opened")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	f.consumer("h")
}

func testStart(_ *testing.T, f *fixture) {
	f.append("1", "2")
	first := f.consumer("first")
	later := f.consumer("later")
	f.append("3")
	f.equal("positions of the first", []uint64{1, 2, 3}, positions(f.lease(first, 3)))
	f.equal("positions of a later one", []uint64{3}, positions(f.lease(later, 1)))
	f.crash()
	f.append("4")
	f.equal("positions of the later one after a crash", []uint64{3, 4}, positions(f.lease(f.consumer("later"), 2)))
	third := f.consumer("third")
	f.none(third)
	f.append("5")
	f.equal("positions of a third", []uint64{5}, positions(f.lease(third, 1)))
}

func testStartTogether(t *testing.T, f *fixture) {
	f.append("1")
	if err := f.CreateConsumers(f.ctx, specs("a", "b")...); err != nil {
		t.Fatal(err)
	}
	f.append("2")
	f.equal("positions of a", []uint64{1, 2}, positions(f.lease(f.consumer("a"), 2)))
	f.crash()
	f.equal("positions of b after a crash", []uint64{1, 2}, positions(f.lease(f.consumer("b"), 2)))
	if err := f.CreateConsumers(f.ctx, specs("a", "c")...); err != nil {
		t.Fatal(err)
	}
	f.append("3")
	f.equal("positions of a, which was there", []uint64{1, 2, 3}, positions(f.lease(f.consumer("a"), 3)))
	f.equal("positions of c", []uint64{3}, positions(f.lease(f.consumer("c"), 1)))
}

func testCloseGivesBack(t *testing.T, f *fixture) {
	f.appendN(5)
	c := f.consumer("h")
	f.lease(c, 4)
	f.settle(c, done(2)...)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Settle(f.ctx, done(1)...); !errors.Is(err, buffer.ErrClosed) {
		t.Fatalf("settling on a closed consumer: got %v, want ErrClosed", err)
	}
	f.equal("positions", []uint64{1, 3, 4, 5}, positions(f.lease(f.consumer("h"), 4)))
}

func testCloseEndsLease(t *testing.T, f *fixture) {
	c := f.consumer("h")
	got := make(chan error)
	go func() {
		_, err := c.Lease(f.ctx, buffer.Room{Events: 1})
		got <- err
	}()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, buffer.ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
}

func testConsumerStats(t *testing.T, f *fixture) {
	f.appendN(6)
	c := f.consumer("h")
	f.lease(c, 4)
	f.settle(c, buffer.Outcome{Position: 1, Verb: buffer.Done}, buffer.Outcome{Position: 2, Verb: buffer.Defer, Lane: "l"}, buffer.Outcome{Position: 4, Verb: buffer.Skip})
	f.equal("stats", buffer.ConsumerStats{Position: 2, Seen: 4, Pending: 2, Leased: 1, Deferred: 1}, c.Stats())
	f.crash()
	c = f.consumer("h")
	f.equal("stats after a crash", buffer.ConsumerStats{Position: 2, Seen: 2, Pending: 3, Deferred: 1}, c.Stats())
	// Behind the one leased comes one that is settled.
	f.lease(c, 1)
	f.equal("stats with one leased again", buffer.ConsumerStats{Position: 2, Seen: 4, Pending: 2, Leased: 1, Deferred: 1}, c.Stats())
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = f.consumer("h")
	f.leaseDeferred(c, "l", 1)
	f.settle(c, done(2)...)
	f.settle(c, done(positions(f.lease(c, 3))...)...)
	f.equal("stats at the end", buffer.ConsumerStats{Position: 6, Seen: 6}, c.Stats())
}

func testSettleOutOfOrder(_ *testing.T, f *fixture) {
	f.appendN(200)
	c := f.consumer("h")
	f.lease(c, 200)
	var want []uint64
	for p := uint64(1); p <= 200; p++ {
		if p%3 == 0 || p > 190 {
			want = append(want, p)
			continue
		}
		f.settle(c, buffer.Outcome{Position: p, Verb: buffer.Done})
	}
	f.reopen()
	f.equal("positions", want, positions(f.lease(f.consumer("h"), len(want))))
}

func testSettleNotLeased(_ *testing.T, f *fixture) {
	f.appendN(3)
	c := f.consumer("h")
	f.settle(c, done(1, 2, 99)...)
	f.lease(c, 1)
	f.settle(c, done(1)...)
	f.settle(c, buffer.Outcome{Position: 1, Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	f.settle(c, buffer.Outcome{Position: 1, Verb: buffer.Defer, Lane: "l"})
	f.equal("dead letters", []buffer.DeadLetter(nil), f.deadLetters())
	f.crash()
	c = f.consumer("h")
	f.equal("positions", []uint64{2, 3}, positions(f.lease(c, 2)))
	f.equal("lanes", []buffer.Lane(nil), f.lanes(c))
}

func testSettleVerb(t *testing.T, f *fixture) {
	f.append("1")
	c := f.consumer("h")
	f.lease(c, 1)
	if err := c.Settle(f.ctx, buffer.Outcome{Position: 1}); err == nil {
		t.Fatal("an outcome without a verb was taken")
	}
	f.settle(c, done(1)...)
}

func testSettleParallel(t *testing.T, f *fixture) {
	f.appendN(300)
	c := f.consumer("h")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 30 {
				leases, err := c.Lease(f.ctx, buffer.Room{Events: 1})
				if err != nil || len(leases) != 1 {
					t.Errorf("got %d leases, %v", len(leases), err)
					return
				}
				if err := c.Settle(f.ctx, done(leases[0].Event.Position)...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	f.equal("stats", buffer.ConsumerStats{Position: 300, Seen: 300}, c.Stats())
	f.reopen()
	f.equal("stats after a reopen", buffer.ConsumerStats{Position: 300, Seen: 300}, f.consumer("h").Stats())
}

func testCrash(_ *testing.T, f *fixture) {
	f.appendN(6)
	a, b := f.consumer("a"), f.consumer("b")
	f.append("7")
	f.lease(a, 5)
	f.lease(b, 1)
	f.settle(a, done(1, 2, 4)...)
	f.crash()
	f.equal("positions of a", []uint64{3, 5, 6, 7}, positions(f.lease(f.consumer("a"), 4)))
	f.equal("positions of b", []uint64{7}, positions(f.lease(f.consumer("b"), 1)))
}

func testPositionsAfterCrash(t *testing.T, f *fixture) {
	for i := range uint64(10) {
		if p := f.append(fmt.Sprint(i)); p != i+1 {
			t.Fatalf("got position %d, want %d", p, i+1)
		}
		f.crash()
	}
}

func testClosed(t *testing.T, f *fixture) {
	f.append("1")
	c := f.consumer("h")
	f.lease(c, 1)
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, appendErr := f.Append(f.ctx, Event("2"))
	_, againErr := f.Append(f.ctx, Event("1"))
	_, openErr := f.Consumer(f.ctx, "other")
	_, leaseErr := c.Lease(f.ctx, buffer.Room{Events: 1})
	_, deferredErr := c.LeaseDeferred(f.ctx, "l", buffer.Room{Events: 1})
	lettersErr, lanesErr := lastError(f.DeadLetters(f.ctx, "")), lastError(c.Lanes(f.ctx))
	for what, err := range map[string]error{
		"Append": appendErr, "Append of a duplicate": againErr, "Consumer": openErr, "Lease": leaseErr,
		"LeaseDeferred": deferredErr, "Settle": c.Settle(f.ctx, done(1)...), "DeadLetters": lettersErr, "Lanes": lanesErr,
	} {
		if !errors.Is(err, buffer.ErrClosed) {
			t.Errorf("%s after Close: got %v, want ErrClosed", what, err)
		}
	}
	f.Stats()
	c.Stats()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func testCloseBuffer(t *testing.T, f *fixture) {
	c := f.consumer("h")
	got := make(chan error)
	go func() {
		_, err := c.Lease(f.ctx, buffer.Room{Events: 1})
		got <- err
	}()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, buffer.ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
}
