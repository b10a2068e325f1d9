package buffertest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// testRoom: a lease takes no more bytes of bodies than there is room for, but one event in any case, and what did not
// fit comes with the next.
func testRoom(t *testing.T, f *fixture) {
	if err := f.CreateConsumers(f.ctx, specs("h")...); err != nil {
		t.Fatal(err)
	}
	for i, size := range []int{100, 100, 100, 5000, 100, 300} {
		e := Event(fmt.Sprint(i + 1))
		e.Body = bytes.Repeat([]byte(" "), size)
		if _, err := f.Append(f.ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	room := buffer.Room{Events: 10, Bytes: 250}
	want := [][]uint64{{1, 2}, {3}, {4}, {5}, {6}}
	c := f.consumer("h")
	for _, p := range want {
		leases, err := c.Lease(f.ctx, room)
		if err != nil {
			t.Fatal(err)
		}
		f.equal("positions", p, positions(leases))
	}
	f.none(c)

	var deferred []buffer.Outcome
	for p := range uint64(6) {
		deferred = append(deferred, buffer.Outcome{Position: p + 1, Verb: buffer.Defer, Lane: "l"})
	}
	f.settle(c, deferred...)
	for _, p := range append(want, nil) {
		leases, err := c.LeaseDeferred(f.ctx, "l", room)
		if err != nil {
			t.Fatal(err)
		}
		f.equal("deferred positions", p, positions(leases))
	}
	// What did not fit was not leased either.
	f.settle(c, done(1, 2, 3, 4, 5, 6)...)
	f.equal("stats", buffer.ConsumerStats{Position: 6, Seen: 6}, c.Stats())
	if _, err := c.Lease(f.ctx, buffer.Room{Bytes: 100}); err == nil {
		t.Error("a lease without room for an event was taken")
	}
}
