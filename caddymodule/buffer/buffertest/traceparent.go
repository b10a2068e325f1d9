package buffertest

import (
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// The trace of an event's request stays with the event, wherever it goes; an event without one gets none.
func testTraceParent(t *testing.T, f *fixture) {
	want := map[string]buffer.TraceParent{}
	ids := []string{"delivered", "untraced", "deferred", "dead", "unreadable", "delivered"}
	for i, id := range ids {
		e := Event(id)
		e.TraceParent.SpanID[0] = byte(i + 1)
		switch {
		case i == len(ids)-1: // another event under the id of the first
			e.VehicleID, e.Digest = "conflict", e.Digest+1
		case e.ID == "untraced":
			e.TraceParent = buffer.TraceParent{}
		case e.ID == "unreadable":
			e.Unreadable = "cut off"
		}
		want[e.VehicleID] = e.TraceParent
		if _, err := f.Append(f.ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	c := f.consumer("h")
	for _, l := range f.lease(c, 4) {
		switch l.Event.ID {
		case "deferred":
			f.settle(c, buffer.Outcome{Position: l.Event.Position, Verb: buffer.Defer, Lane: "lane"})
		case "dead":
			f.settle(c, buffer.Outcome{Position: l.Event.Position, Verb: buffer.Dead, Reason: buffer.ReasonExhausted})
		}
	}
	f.crash()
	got := map[string]buffer.TraceParent{}
	c = f.consumer("h")
	for _, l := range append(f.lease(c, 2), f.leaseDeferred(c, "lane", 1)...) {
		got[l.Event.VehicleID] = l.Event.TraceParent
	}
	for _, letter := range f.letters() {
		got[letter.Event.VehicleID] = letter.Event.TraceParent
	}
	f.equal("traces", want, got)
}
