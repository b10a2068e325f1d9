package simulator

import (
	"net/http"
	"sync"
	"testing"
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
