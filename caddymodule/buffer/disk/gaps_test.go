package disk

import (
	"slices"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Positions without an event at the beginning are not pending after a reopening, and the buffer opens when their
// segment has gone.
func TestGapsAtTheBeginning(t *testing.T) {
	b, _ := openFor(t, Options{})
	openConsumer(t, b, "a")
	reopen := func() buffer.Consumer {
		t.Helper()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if b, err = Open(t.Context(), b.opts); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		return openConsumer(t, b, "a")
	}
	wantPending := func(c buffer.Consumer, want uint64) {
		t.Helper()
		if n := c.Stats().Pending; n != want {
			t.Errorf("%d events are pending, want %d", n, want)
		}
	}
	unreadable := crashEvent("u", 100)
	unreadable.Unreadable = "no JSON"
	if _, err := b.Append(t.Context(), unreadable); err != nil {
		t.Fatal(err)
	}
	gap := b.events.Names()[0]
	wantPending(reopen(), 0)

	appendTo(t, b, 1, 1)
	// In the background it may have gone already.
	if err := b.flushAndRemove(); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(b.events.Names(), gap) {
		t.Fatalf("segment %s is still there; the test shows nothing", gap)
	}
	c := reopen()
	wantPending(c, 1)
	l, err := c.Lease(t.Context(), buffer.Room{Events: 2})
	if err != nil || len(l) != 1 || l[0].Event.ID != "1" {
		t.Errorf("got %d leases, %v; want event 1", len(l), err)
	}
}

// A position without an event at the end says nothing of the age of those before it: they stay until they are old, for
// consumers to come and for replay.
func TestGapAtTheEndDeletesNothing(t *testing.T) {
	// Two positions: the search looks at the second one first.
	for name, last := range map[string]func(*buffer.Event){
		"an unreadable event": func(e *buffer.Event) { e.Unreadable = "no JSON" },
		"a conflict":          func(e *buffer.Event) { e.ID, e.Digest = "1", e.Digest+1 },
	} {
		for _, consumer := range []bool{false, true} {
			b, clock := openFor(t, Options{})
			if consumer {
				openConsumer(t, b, "a")
			}
			appendTo(t, b, 1, 1)
			e := crashEvent("last", 100)
			last(e)
			if _, err := b.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if consumer {
				settleN(t, openAgain(t, b, "a"), 1, doneAll)
			}
			must(t, b.trim(t.Context()))
			if s := b.Stats(); s.First != 1 || s.Last != 2 {
				t.Errorf("%s, with a consumer %t: stored are %d to %d, want 1 and 2", name, consumer, s.First, s.Last)
			}
			clock.Advance(8 * 24 * hour)
			must(t, b.trim(t.Context()))
			if s := b.Stats(); s.First < 2 {
				t.Errorf("%s, with a consumer %t: after eight days stored are %d to %d", name, consumer, s.First, s.Last)
			}
		}
	}
}

// openAgain closes a consumer and opens it.
func openAgain(t *testing.T, b *Buffer, name string) buffer.Consumer {
	t.Helper()
	if h := b.consumerNamed(name).handle; h != nil {
		must(t, h.Close())
	}
	return openConsumer(t, b, name)
}
