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
	l, err := c.Lease(t.Context(), 2)
	if err != nil || len(l) != 1 || l[0].Event.ID != "1" {
		t.Errorf("got %d leases, %v; want event 1", len(l), err)
	}
}
