package disk

import (
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Of two outcomes for one lease the first counts, wherever the second comes from.
func TestSecondOutcomeIsIgnored(t *testing.T) {
	b, _ := openFor(t, Options{})
	c := openConsumer(t, b, "h")
	appendTo(t, b, 1, 1)
	leases, err := c.Lease(t.Context(), buffer.Room{Events: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := leases[0].Event.Position
	dead := buffer.Outcome{Position: p, Verb: buffer.Dead, Reason: buffer.ReasonRejected}
	if err := c.Settle(t.Context(), buffer.Outcome{Position: p, Verb: buffer.Done}, dead, dead); err != nil {
		t.Fatal(err)
	}
	if err := c.Settle(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	if s := b.Stats(); s.DeadLetters != 0 {
		t.Errorf("a finished event became %d dead letters", s.DeadLetters)
	}
	if s := c.Stats(); s.Leased != 0 || s.Deferred != 0 || s.Position != p {
		t.Errorf("stats %+v", s)
	}
}
