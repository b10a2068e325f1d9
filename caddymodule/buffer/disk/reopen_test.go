package disk

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// reopenLetters reopens the event of every dead letter.
func reopenLetters(t *testing.T, b *Buffer, c buffer.Consumer) (n int) {
	t.Helper()
	for d, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if err := c.Settle(t.Context(), buffer.Outcome{Verb: buffer.Reopen, Position: d.Event.Position, Letter: d.ID, Lane: "again"}); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// wantEmpty checks that the store has no key of these kinds.
func wantEmpty(t *testing.T, b *Buffer, kinds ...byte) {
	t.Helper()
	for _, kind := range kinds {
		it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
		if err != nil {
			t.Fatal(err)
		}
		if it.First() {
			t.Errorf("the store still has key %q", it.Key())
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A dead letter whose event is trimmed lives on from its copy, through all that can happen to it.
func TestReopenTrimmed(t *testing.T) {
	for _, test := range []struct {
		name string
		end  buffer.Outcome
		dead uint64
	}{
		{"done", buffer.Outcome{Verb: buffer.Done}, 0},
		{"dead again", buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonExhausted}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, clock := openFor(t, Options{Limits: Limits{Retention: hour}})
			c := openConsumer(t, b, "h")
			appendTo(t, b, 1, 3)
			settleN(t, c, 2, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
			settleN(t, c, 1, doneAll)
			clock.Advance(2 * hour)
			wantFirst(t, b, 4)
			before := b.Stats()
			if n := reopenLetters(t, b, c); n != 2 {
				t.Fatalf("%d letters, want 2", n)
			}
			if s := b.Stats(); s.DeadLetters != 0 || s.Bytes < before.Bytes/2 || s.Bytes > before.Bytes {
				t.Fatalf("got stats %+v, before the copies were letters they were %+v", s, before)
			}
			appendTo(t, b, 4, 4)
			settleN(t, c, 1, doneAll)
			clock.Advance(2 * hour)
			wantFirst(t, b, 5) // copies below hold nothing back
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			b, err := Open(t.Context(), b.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			c = openConsumer(t, b, "h")
			for round := range 2 {
				leases, err := c.LeaseDeferred(t.Context(), "again", buffer.Room{Events: 10})
				if err != nil || len(leases) != 2 {
					t.Fatalf("got %d leases, %v", len(leases), err)
				}
				for i, l := range leases {
					if l.Event.ID != fmt.Sprint(i+1) || len(l.Event.Body) != 10000 {
						t.Fatalf("got event %q with %d bytes", l.Event.ID, len(l.Event.Body))
					}
					o := test.end
					if round == 0 {
						o = buffer.Outcome{Verb: buffer.Defer, Lane: "again", Retry: buffer.Retry{Attempts: 1}}
					}
					o.Position = l.Event.Position
					if err := c.Settle(t.Context(), o); err != nil {
						t.Fatal(err)
					}
				}
			}
			wantEmpty(t, b, format.KindCopy, format.KindDeferred, format.KindDeferredAt)
			s := b.Stats()
			if s.DeadLetters != test.dead || s.Corrupt != 0 || (s.Bytes > 0) != (test.dead > 0) {
				t.Fatalf("got stats %+v", s)
			}
			for d, err := range b.DeadLetters(t.Context(), "") {
				if err != nil || len(d.Event.Body) != 10000 {
					t.Fatalf("got %d bytes, %v", len(d.Event.Body), err)
				}
			}
		})
	}
}

// A stored event that cannot be read back does not take the intact copy in its letter with it.
func TestReopenDamaged(t *testing.T) {
	b, _ := openFor(t, Options{})
	c := openConsumer(t, b, "h")
	appendTo(t, b, 1, 1)
	settleN(t, c, 1, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	(&storage{open: b}).Damage(t, 1)
	reopenLetters(t, b, c)
	leases, err := c.LeaseDeferred(t.Context(), "again", buffer.Room{Events: 1})
	if err != nil || len(leases) != 1 || leases[0].Event.ID != "1" {
		t.Fatalf("got %v, %v", leases, err)
	}
	if s := b.Stats(); s.Corrupt != 0 {
		t.Fatalf("got %+v", s)
	}
}

// A trim that was planned before an event was reopened must leave it.
func TestTrimSeesWhatWasReopened(t *testing.T) {
	b, clock := openFor(t, Options{Limits: Limits{Retention: hour}})
	c := openConsumer(t, b, "h")
	appendTo(t, b, 1, 5)
	settleN(t, c, 5, doneAll)
	clock.Advance(2 * hour)
	limits := b.limits.Load()
	to, _, err := b.trimPoint(limits, clock.Now().UnixNano())
	if err != nil || to != 5 {
		t.Fatalf("got %d, %v; want 5", to, err)
	}
	reopen := buffer.Outcome{Verb: buffer.Reopen, Position: 3, Lane: "l"}
	trim := &trimTask{waiter: newWaiter(), to: to, lettersBefore: format.DeadLetterKey(clock.Now(), 0, "")}
	// Both in one group, in either order.
	b.inOneGroup(t, claimed(t, c, reopen), trim)
	if s := b.Stats(); s.First != 3 {
		t.Fatalf("the oldest event is %d, want 3", s.First)
	}
	leases, err := c.LeaseDeferred(t.Context(), "l", buffer.Room{Events: 1})
	if err != nil || len(leases) != 1 {
		t.Fatalf("got %v, %v", leases, err)
	}
	if err := c.Settle(t.Context(), buffer.Outcome{Verb: buffer.Done, Position: 3}); err != nil {
		t.Fatal(err)
	}
	trim.waiter = newWaiter()
	b.inOneGroup(t, trim, claimed(t, c, reopen))
	if s := c.Stats(); s.Deferred != 0 || b.Stats().First != 6 {
		t.Fatalf("an event was reopened that was trimmed in the same step: %+v", s)
	}
}

// A letter that goes in the same step is gone, for a replay and for another removal.
func TestLetterGoesOnce(t *testing.T) {
	b, _ := openFor(t, Options{})
	c := openConsumer(t, b, "h")
	appendTo(t, b, 1, 2)
	settleN(t, c, 2, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	var letters []buffer.DeadLetter
	for d, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, d)
	}
	drop := func(d buffer.DeadLetter) *dropTask {
		id, err := format.ParseDeadLetterID(d.ID)
		if err != nil {
			t.Fatal(err)
		}
		return &dropTask{waiter: newWaiter(), keys: [][]byte{id.Key()}}
	}
	reopen := func(d buffer.DeadLetter) *settleTask {
		o := buffer.Outcome{Verb: buffer.Reopen, Position: d.Event.Position, Letter: d.ID, Lane: "l"}
		return claimed(t, c, o)
	}
	first, again := drop(letters[0]), drop(letters[0])
	b.inOneGroup(t, first, reopen(letters[0]), again)
	if n := c.Stats().Deferred; n != 0 || first.dropped != 1 || again.dropped != 0 {
		t.Fatalf("%d reopened, %d and %d dropped; want none, 1 and none", n, first.dropped, again.dropped)
	}
	last := drop(letters[1])
	b.inOneGroup(t, reopen(letters[1]), last)
	if n := c.Stats().Deferred; n != 1 || last.dropped != 0 || b.Stats().DeadLetters != 0 {
		t.Fatalf("%d reopened, %d dropped, %d letters left; want 1, none and none", n, last.dropped, b.Stats().DeadLetters)
	}
}

// claimed is a settlement that is about to be sent.
func claimed(t *testing.T, c buffer.Consumer, o buffer.Outcome) *settleTask {
	t.Helper()
	items, err := c.(*Consumer).claim([]buffer.Outcome{o})
	if err != nil {
		t.Fatal(err)
	}
	return &settleTask{waiter: newWaiter(), st: c.(*Consumer).st, items: items}
}

// inOneGroup has the committer take all tasks together.
func (b *Buffer) inOneGroup(t *testing.T, tasks ...task) {
	t.Helper()
	hold := make(chan struct{})
	started := make(chan struct{})
	gate := &changeTask{waiter: newWaiter(), f: func(*group) error { close(started); <-hold; return nil }}
	if err := b.committer.send(t.Context(), gate); err != nil {
		t.Fatal(err)
	}
	<-started
	for _, task := range tasks {
		if err := b.committer.send(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
	close(hold)
	for _, task := range tasks {
		var w *waiter
		switch task := task.(type) {
		case *settleTask:
			w = &task.waiter
		case *trimTask:
			w = &task.waiter
		case *dropTask:
			w = &task.waiter
		}
		if _, err := w.wait(t.Context(), b.failure); err != nil {
			t.Fatal(err)
		}
	}
}

// wantNoneOf checks that the store has nothing under a consumer's name.
func wantNoneOf(t *testing.T, b *Buffer, name string) {
	t.Helper()
	for _, key := range [][]byte{format.ConsumerKey(name), format.LifecycleKey(name)} {
		if _, ok, err := getMaybe(b.db, key); ok || err != nil {
			t.Errorf("the store still has %q (%v)", key, err)
		}
	}
	for _, kind := range []byte{format.KindMemo, format.KindDeferred, format.KindDeferredAt, format.KindCopy} {
		prefix := format.NamePrefix(kind, name)
		it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: format.After(prefix)})
		if err != nil {
			t.Fatal(err)
		}
		if it.First() {
			t.Errorf("the store still has %q", it.Key())
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
