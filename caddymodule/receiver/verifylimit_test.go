package receiver

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// from makes Caddy's client address of a request, which it finds behind trusted proxies.
func from(r *http.Request, ip string) *http.Request {
	vars := map[string]any{caddyhttp.ClientIPVarKey: ip}
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))
}

// Whoever sends VERIFY without end, from an address or from several of one network, keeps nobody else from being
// answered; the proxy in front, whose address they all have, is not what counts.
func TestOneSenderOfVerifyKeepsNobodyElseOut(t *testing.T) {
	for name, flooder := range map[string]func(i int) string{
		"IPv4":              func(int) string { return "203.0.113.7" },
		"IPv4 in two forms": func(i int) string { return []string{"203.0.113.7", "::ffff:203.0.113.7"}[i%2] },
		"IPv6, a /64":       func(i int) string { return fmt.Sprintf("2001:db8:0:1::%x", i) },
		"twelve of them":    func(i int) string { return fmt.Sprintf("203.0.113.%d", i%12) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rc, _ := newReceiver(t, stored)
				answered, seconds := 0, 60
				for second := range seconds {
					for i := range 35 {
						if w, _ := serve(t, rc, from(request(verifyBody, ""), flooder(35*second+i))); w.Code == http.StatusOK {
							answered++
						}
					}
					honest := fmt.Sprintf("198.51.100.%d", second%20)
					if w, _ := serve(t, rc, from(request(verifyBody, ""), honest)); w.Code != http.StatusOK {
						t.Errorf("second %d: an honest VERIFY got %d", second, w.Code)
					}
					time.Sleep(time.Second)
				}
				if most := verifyTotal * (defaultVerifyBurst + seconds); answered > most || answered == 0 {
					t.Errorf("%d of the flood were answered, more than %d", answered, most)
				}
				if name != "twelve of them" && answered > defaultVerifyBurst+seconds {
					t.Errorf("%d of one sender's flood were answered", answered)
				}
			})
		})
	}
}

// However many addresses there are, no more is signed than the total.
func TestAllSendersOfVerifyHaveATotal(t *testing.T) {
	l := newVerifyLimit(1, 20)
	now, answered := time.Now(), 0
	for i := range 10_000 {
		client := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
		wait, ok := l.allow(client, now)
		if ok {
			answered++
		} else if wait <= 0 || wait > time.Minute {
			t.Fatalf("wait %v", wait)
		}
	}
	if answered != verifyTotal*20 {
		t.Errorf("%d answered, want %d", answered, verifyTotal*20)
	}
	if len(l.clients) > answered {
		t.Errorf("%d clients are remembered", len(l.clients))
	}
}

// The table of clients is bounded: those beyond share a bucket until others are forgotten.
func TestClientsOfVerifyAreBounded(t *testing.T) {
	l := newVerifyLimit(1, 1000)
	now := time.Now()
	client := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
	}
	for i := range 3000 {
		if _, ok := l.allow(client(i), now); !ok && i < verifyClients {
			t.Fatalf("client %d is refused", i)
		}
	}
	if len(l.clients) != verifyClients {
		t.Errorf("%d clients are remembered, want %d", len(l.clients), verifyClients)
	}
	if _, ok := l.allow(client(5000), now); ok {
		t.Error("clients that are not told apart have no bucket")
	}
	now = now.Add(time.Second)
	if _, ok := l.allow(client(5001), now); !ok || len(l.clients) != 1 {
		t.Errorf("answered: %v, with %d clients remembered a second later", ok, len(l.clients))
	}
}

// A wall clock that is set back keeps no VERIFY from being answered for longer than before, and forward gives no more.
func TestVerifyGoesOnWhenTheClockIsSetBack(t *testing.T) {
	l := newVerifyLimit(1, 2)
	client := netip.MustParsePrefix("203.0.113.7/32")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // without a monotonic reading
	ask := func(want bool) {
		t.Helper()
		if _, ok := l.allow(client, now); ok != want {
			t.Errorf("%s: answered: %v, want %v", now, ok, want)
		}
	}
	ask(true)
	ask(true)
	ask(false)
	now = now.Add(-time.Hour)
	ask(false)
	now = now.Add(time.Second)
	ask(true)
	ask(false)
}
