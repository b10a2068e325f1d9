package disk

import (
	"context"
	"fmt"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	b, err := Open(ctx, Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		r, err := b.Append(ctx, &buffer.Event{Source: "s", ID: fmt.Sprint(i), VehicleID: "v", Body: []byte("{}")})
		if err != nil || r.Position != uint64(i+1) {
			t.Fatal(r, err)
		}
	}
	r, err := b.Append(ctx, &buffer.Event{Source: "s", ID: "3", Digest: 1})
	if err != nil || !r.Duplicate || !r.Differs || r.Position != 4 {
		t.Fatal(r, err)
	}
	c, err := b.Consumer(ctx, "h")
	if err != nil {
		t.Fatal(err)
	}
	ls, err := c.Lease(ctx, 4)
	if err != nil || len(ls) != 4 {
		t.Fatal(ls, err)
	}
	err = c.Settle(ctx, buffer.Outcome{Position: 1, Verb: buffer.Done}, buffer.Outcome{Position: 3, Verb: buffer.Defer, Lane: "l"}, buffer.Outcome{Position: 4, Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v %+v", b.Stats(), c.Stats())
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err = Open(ctx, Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	c, err = b.Consumer(ctx, "h")
	if err != nil {
		t.Fatal(err)
	}
	ls, err = c.Lease(ctx, 100)
	if err != nil || len(ls) != 7 || ls[0].Event.Position != 2 {
		t.Fatal(ls, err)
	}
	t.Logf("%+v %+v", b.Stats(), c.Stats())
	for l, err := range c.Lanes(ctx) {
		t.Log(l, err)
	}
	for l, err := range b.DeadLetters(ctx) {
		t.Log(l, err)
	}
	ls, err = c.LeaseDeferred(ctx, "l", 10)
	t.Log(ls, err)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}
