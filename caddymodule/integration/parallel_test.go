package integration

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// A thousand posts at once, every tenth of them an event that another one carries too:
// all get 200, and each event is stored once.
func TestParallelPosts(t *testing.T) {
	const posts, distinct = 1000, 900
	e := startEdge(t, edgeConfig{})
	var stored, duplicates, failed atomic.Int64
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range posts {
		id := i % distinct
		p := webhook{
			body: fmt.Sprintf(`{"eventId":"p-%d","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"car-%d"}},`+
				`"meta":{"mode":"LIVE","deliveryId":"d-%d"}}`, id, id%50, i),
			token: newToken,
		}
		wg.Go(func() {
			<-begin
			status, _, answer, err := p.do(t.Context(), e)
			switch {
			case err != nil || status != http.StatusOK:
				failed.Add(1)
				t.Errorf("status %d %s: %v", status, answer, err)
			case answer == `{"status":"stored"}`+"\n":
				stored.Add(1)
			case answer == `{"status":"duplicate"}`+"\n":
				duplicates.Add(1)
			}
		})
	}
	close(begin)
	wg.Wait()
	if stored.Load() != distinct || duplicates.Load() != posts-distinct {
		t.Errorf("%d stored, %d duplicates, %d failed", stored.Load(), duplicates.Load(), failed.Load())
	}
	seen := make(map[string]bool)
	for _, ev := range e.read(t).events {
		if seen[ev.ID] {
			t.Errorf("event %s is stored twice", ev.ID)
		}
		seen[ev.ID] = true
	}
	if len(seen) != distinct {
		t.Errorf("%d events in the buffer, want %d", len(seen), distinct)
	}
}
