package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// fleet sends events for several vehicles at once. Each vehicle sends one event
// after another and goes on to the next only when it has a 200, as often as that
// takes; so the fleet knows each acknowledged event and the order of each
// vehicle's.
type fleet struct {
	url      string
	client   *http.Client
	vehicles []*fleetVehicle

	mu      sync.Mutex
	acked   int
	refused map[int]int // answers other than 200, by status
	broken  []error     // requests without an answer
	onAck   func(total int)
	sizes   []int // of bodies, one after the other; none: as small as they can be

	signing sync.RWMutex // held while a request is under way
	token   string
}

type fleetVehicle struct {
	id    string
	acked []string // event ids, in order
}

func newFleet(s *site, size int) *fleet {
	f := &fleet{url: s.url, client: s.client, refused: map[int]int{}, onAck: func(int) {}, token: testToken}
	for range size {
		f.vehicles = append(f.vehicles, &fleetVehicle{id: uuid.NewString()})
	}
	return f
}

// run sends until ctx ends.
func (f *fleet) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, v := range f.vehicles {
		wg.Go(func() {
			for ctx.Err() == nil {
				f.sendOne(ctx, v)
			}
		})
	}
	wg.Wait()
}

// sendOne sends one event until it is acknowledged or ctx ends. An event whose
// answer was lost on the way is sent again, as Smartcar would.
func (f *fleet) sendOne(ctx context.Context, v *fleetVehicle) {
	id := uuid.NewString()
	if !f.send(ctx, v, id) {
		return
	}
	f.mu.Lock()
	v.acked = append(v.acked, id)
	f.acked++
	total := f.acked
	f.mu.Unlock()
	f.onAck(total)
}

// size is that of a vehicle's next body.
func (f *fleet) size(v *fleetVehicle) int {
	if len(f.sizes) == 0 {
		return 0
	}
	return f.sizes[len(v.acked)%len(f.sizes)]
}

// send sends the event with this id, as sendOne does, and reports whether it was acknowledged.
func (f *fleet) send(ctx context.Context, v *fleetVehicle, id string) bool {
	recordedAt := time.Now()
	for ctx.Err() == nil {
		body := smartcar.Sample{EventID: id, VehicleID: v.id, DeliveryID: uuid.NewString(), DeliveredAt: time.Now(), RecordedAt: recordedAt, Mode: "LIVE", Size: f.size(v)}.VehicleState()
		// A request under way is not cut off by ctx: its answer would be unknown.
		status, err := f.post(body)
		if err == nil && status == http.StatusOK {
			return true
		}
		f.mu.Lock()
		if err != nil {
			f.broken = append(f.broken, err)
		} else {
			f.refused[status]++
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// post signs a body and sends it.
func (f *fleet) post(body []byte) (status int, err error) {
	f.signing.RLock()
	defer f.signing.RUnlock()
	return post(f.client, f.url, body, smartcar.Sign(f.token, body))
}

// signWith has all requests signed with another token, once none is under way that is not.
func (f *fleet) signWith(token string) {
	f.signing.Lock()
	defer f.signing.Unlock()
	f.token = token
}

func post(client *http.Client, url string, body []byte, signature string) (status int, err error) {
	// A server that a reload has just ended may still take a connection, and resets or ends it. Smartcar sends again, too.
	for range 3 {
		status, err = postOnce(client, url, body, signature)
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
			break
		}
	}
	return status, err
}

func postOnce(client *http.Client, url string, body []byte, signature string) (status int, err error) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(smartcar.SignatureHeader, signature)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

func (f *fleet) total() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acked
}

// verdict is what became of a fleet's acknowledged events.
type verdict struct {
	acked, lost, repeated, disordered int
}

func (v verdict) String() string {
	return fmt.Sprintf("%d events acknowledged, %d lost, %d repeated, %d out of order", v.acked, v.lost, v.repeated, v.disordered)
}

// judge holds what the handler received against what was acknowledged. Repeats
// are allowed, since delivery is at least once; but the first delivery of each
// event must come after that of the same vehicle's earlier ones.
func (f *fleet) judge(received []string) verdict {
	first := make(map[string]int, len(received))
	v := verdict{}
	for i, id := range received {
		if _, seen := first[id]; seen {
			v.repeated++
			continue
		}
		first[id] = i
	}
	for _, vehicle := range f.vehicles {
		last := -1
		for _, id := range vehicle.acked {
			v.acked++
			at, ok := first[id]
			if !ok {
				v.lost++
				continue
			}
			if at < last {
				v.disordered++
			}
			last = at
		}
	}
	return v
}

// awaitAll waits until the handler has received every acknowledged event.
func (f *fleet) awaitAll(t *testing.T, s *site) verdict {
	t.Helper()
	return f.awaitAllIn(t, s.events)
}

// awaitAllIn does the same for the handler with this file.
func (f *fleet) awaitAllIn(t *testing.T, path string) verdict {
	t.Helper()
	var v verdict
	deadline := time.Now().Add(30 * time.Second)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		v = f.judge(receivedIn(t, path))
		if v.lost == 0 || time.Now().After(deadline) {
			return v
		}
		<-ticker.C
	}
}
