package selfcheck

import (
	"net/http"
	"testing"
	"time"
)

// A nonce works once, for a time, and only as it was made.
func TestNonce(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	by := Receiver{Source: "a"}
	n := new(Nonces)
	take := func(nonce string, after time.Duration, want bool) {
		t.Helper()
		proof, ok := n.take(nonce, by, now.Add(after))
		if ok != want || ok != (proof != "") {
			t.Errorf("taken: %v, want %v", ok, want)
		}
	}
	q, other := n.ask(now), n.ask(now)
	if len(q.nonce) < 26 || q.nonce == other.nonce || q.nonce == q.proof || q.proof == other.proof {
		t.Error("nonces and proofs are not all of their own")
	}
	take("", 0, false)
	take(q.nonce[1:], 0, false)
	take(q.proof, 0, false)
	take(q.nonce, 0, true)
	take(q.nonce, 0, false)
	take(other.nonce, nonceLife+1, false)
	if got := n.end(q); got == nil || *got != by {
		t.Errorf("taken by %v", got)
	}
	if n.end(other) != nil || len(n.open) != 0 {
		t.Error("one is left")
	}
	take(other.nonce, 0, false)
}

// Any other request costs a look at its header.
func TestTakeOfOtherRequests(t *testing.T) {
	n := new(Nonces)
	q := n.ask(time.Now())
	for name, h := range map[string]http.Header{
		"none":      {"Content-Type": {"application/json"}},
		"guessed":   {header: {cookieName + "x"}},
		"unnamed":   {header: {q.nonce}},
		"of others": {header: {"a=b"}},
		"repeated":  {header: {cookieName + q.nonce, cookieName + q.nonce}},
	} {
		if _, ok := n.Take(h, Receiver{}); ok {
			t.Errorf("%s: taken", name)
		}
	}
	if _, ok := n.Take(http.Header{header: {cookieName + q.nonce}}, Receiver{}); !ok {
		t.Error("not taken as it was made")
	}
	var none *Nonces
	if _, ok := none.Take(http.Header{header: {cookieName + q.nonce}}, Receiver{}); ok {
		t.Error("taken without any")
	}
	if allocs := testing.AllocsPerRun(100, func() { n.Take(http.Header(nil), Receiver{Source: "a", Config: n}) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
