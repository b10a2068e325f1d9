package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// sendingKind is how a sender of webhooks treats its connections.
type sendingKind struct {
	name string
	// kept: it has one connection, which it leaves when the server says so; else a new one for each webhook.
	kept, http2 bool
}

var sendingKinds = []sendingKind{
	{name: "a new connection for each"},
	{name: "kept connections, HTTP/1.1", kept: true},
	{name: "kept connections, HTTP/2", kept: true, http2: true},
}

// client makes one connection at a time.
func (k sendingKind) client(config *tls.Config) *http.Client {
	transport := &http.Transport{
		TLSClientConfig: config, DisableKeepAlives: !k.kept,
		MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		Protocols: new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(!k.http2)
	transport.Protocols.SetHTTP2(k.http2)
	// What Smartcar gives an attempt.
	return &http.Client{Transport: transport, Timeout: 15 * time.Second}
}

// attempts are what came of the attempts of one kind of sender, none of which is made twice.
type attempts struct {
	acked   int
	refused int         // connections
	others  map[int]int // answers other than 200, by status
	broken  []error     // connections that ended without an answer
	longest time.Duration
}

func (a *attempts) String() string {
	return fmt.Sprintf("%d answered 200, the longest after %v; %d refused connections, other answers %v, without an answer: %v",
		a.acked, a.longest.Round(time.Millisecond), a.refused, a.others, a.broken)
}

// failed is how many attempts Smartcar would make again.
func (a *attempts) failed() int {
	n := a.refused + len(a.broken)
	for _, times := range a.others {
		n += times
	}
	return n
}

// senders send an event after another, each for a vehicle of its own, and none twice.
type senders struct {
	fleet *fleet // whose vehicles have what was acknowledged
	kinds []sendingKind

	mu    sync.Mutex
	phase map[string]*attempts // of the present phase, by kind
}

// newSenders makes n senders of each kind.
func newSenders(s *site, n int) *senders {
	x := &senders{fleet: newFleet(s, n*len(sendingKinds)), phase: map[string]*attempts{}}
	for range n {
		x.kinds = append(x.kinds, sendingKinds...)
	}
	x.begin()
	return x
}

// begin ends a phase, and returns what came of it.
func (x *senders) begin() map[string]*attempts {
	x.mu.Lock()
	defer x.mu.Unlock()
	ended := x.phase
	x.phase = map[string]*attempts{}
	for _, k := range sendingKinds {
		x.phase[k.name] = &attempts{others: map[int]int{}}
	}
	return ended
}

// run sends until ctx ends. A request under way is not cut off.
func (x *senders) run(ctx context.Context, s *site) {
	var wg sync.WaitGroup
	for i, kind := range x.kinds {
		client := kind.client(s.cert.Client())
		vehicle := x.fleet.vehicles[i]
		wg.Go(func() {
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				x.send(client, kind, s.url, vehicle)
			}
		})
	}
	wg.Wait()
}

// send makes one attempt, and notes what came of it.
func (x *senders) send(client *http.Client, kind sendingKind, url string, v *fleetVehicle) {
	now := time.Now()
	id := uuid.NewString()
	body := smartcar.Sample{
		EventID: id, VehicleID: v.id, DeliveryID: uuid.NewString(), DeliveredAt: now, RecordedAt: now, Mode: "LIVE",
	}.VehicleState()
	status, err := attempt(client, kind, url, body)
	took := time.Since(now)
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.phase[kind.name]
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		a.refused++
	case err != nil:
		a.broken = append(a.broken, err)
	case status != http.StatusOK:
		a.others[status]++
	default:
		a.acked++
		a.longest = max(a.longest, took)
		v.acked = append(v.acked, id)
	}
}

// attempt posts a body, over HTTP/1.1 one that the client cannot send a second time by itself.
func attempt(client *http.Client, kind sendingKind, url string, body []byte) (status int, err error) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if !kind.http2 {
		// Over HTTP/2 the server says which requests it has not taken, and every client sends those again at once.
		req.GetBody = nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(smartcar.SignatureHeader, smartcar.Sign(testToken, body))
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// awaitMore waits until so many more events of each kind are acknowledged, or have failed.
func (x *senders) awaitMore(t *testing.T, n int) {
	t.Helper()
	counts := func() (list []int) {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, k := range sendingKinds {
			a := x.phase[k.name]
			list = append(list, a.acked+a.failed())
		}
		return list
	}
	before := counts()
	waitFor(t, "more webhooks of each kind", time.Minute, func() bool {
		for i, now := range counts() {
			if now < before[i]+n {
				return false
			}
		}
		return true
	})
}
