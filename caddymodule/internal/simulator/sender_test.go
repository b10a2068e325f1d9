package simulator

import (
	"net/http"
	"sync"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// A pool that keeps fewer connections than there are requests at a time makes new
// ones for all others, and the latencies are those of handshakes.
func TestSenderKeepsConnections(t *testing.T) {
	const concurrency, rounds = 8, 6
	rc := newReceiver(t)
	var together sync.WaitGroup // holds up answers until all of a round are there
	rc.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		together.Done()
		together.Wait()
		rc.serve(w, r)
	})
	o := rc.options()
	o.Concurrency = concurrency
	o, err := o.check()
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(o)
	defer s.close()
	for round := range rounds {
		together.Add(concurrency)
		var senders sync.WaitGroup
		for n := range concurrency {
			senders.Go(func() {
				d := delivery{seq: round*concurrency + n, eventID: "e", attempt: 1}
				if r := s.send(t.Context(), d); r.Problem != "" {
					t.Errorf("result %+v", r)
				}
			})
		}
		senders.Wait()
	}
	// A pool of two makes 38. On a busy machine net/http gives one up now and then.
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if rc.connections > 2*concurrency {
		t.Errorf("%d connections for %d requests at a time", rc.connections, concurrency)
	}
}

// A rehearsal may need events of a webhook that the receiver has seen.
func TestWebhook(t *testing.T) {
	for given, same := range map[string]bool{"": false, "3f2b9c1e-0000-4000-8000-000000000001": true} {
		s := newSender(Options{Webhook: given, Mode: "LIVE"})
		e, err := smartcar.ParseEnvelope(s.body(delivery{eventID: "e"}))
		s.close()
		if err != nil || e.WebhookID == "" || (e.WebhookID == given) != same {
			t.Errorf("%q: %q, %v", given, e.WebhookID, err)
		}
	}
}
