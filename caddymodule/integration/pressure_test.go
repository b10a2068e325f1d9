package integration

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// A buffer that its limit fills answers 503, at once, and takes events again by itself
// when the handler that did not keep up does.
func TestBackpressureOfMaxSize(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.limits = "max_size 8MiB\n headroom 1MiB"
	s.fillAndRecover(t, 16<<10, 2)
}

// The same when it is the disk that is full.
func TestBackpressureOfHeadroom(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	// Logs that the store keeps for its next use take a hundred MiB of it.
	s.buffer = smallDisk(t, 400<<20)
	s.limits = "headroom 256MiB"
	s.fillAndRecover(t, 192<<10, 1)
}

// fillAndRecover fills the site's buffer with events of a size while the application is
// down, some times.
func (s *site) fillAndRecover(t *testing.T, size, rounds int) {
	t.Helper()
	e := newEndpoint(t)
	s.write(t, "handlers.hcl", e.handler())
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	p := s.start(t)
	f := &filler{s: s, size: size}
	for round := range rounds {
		begun := time.Now()
		f.fill(t)
		t.Logf("round %d: full after %d events in %v", round+1, f.acked(), time.Since(begun).Round(time.Millisecond))
		f.knock(t)

		begun = time.Now()
		e.up(t)
		f.awaitRoom(t)
		t.Logf("round %d: took events again %v after the application did", round+1, time.Since(begun).Round(time.Millisecond))
		f.awaitDelivered(t, e)
		e.down(t)
	}
	select {
	case <-p.exited:
		t.Fatalf("Caddy ended\n%s", s.log())
	default:
	}
	got := e.received()
	v := (&fleet{vehicles: f.vehicles}).judge(got)
	t.Log(v)
	if v.lost > 0 || v.repeated > 0 || v.disordered > 0 || len(got) != v.acked {
		t.Errorf("%v; %d events delivered\n%s", v, len(got), s.log())
	}
}

// filler sends events of a few vehicles, each one after another, and knows what was
// acknowledged.
type filler struct {
	s        *site
	size     int // of a body, in bytes
	vehicles []*fleetVehicle
}

func (f *filler) acked() (n int) {
	for _, v := range f.vehicles {
		n += len(v.acked)
	}
	return n
}

// fill sends until every sender was told that there is no room.
func (f *filler) fill(t *testing.T) {
	t.Helper()
	for len(f.vehicles) < 8 {
		f.vehicles = append(f.vehicles, &fleetVehicle{id: uuid.NewString()})
	}
	deadline := time.Now().Add(2 * time.Minute)
	var senders sync.WaitGroup
	for _, v := range f.vehicles {
		senders.Go(func() {
			for time.Now().Before(deadline) {
				a := f.send(t, v)
				if a.status == http.StatusOK {
					continue
				}
				a.checkFull(t)
				return
			}
			t.Errorf("it was not full after two minutes and %d events of the vehicle", len(v.acked))
		})
	}
	senders.Wait()
	if t.Failed() {
		t.Fatal(f.s.log())
	}
}

// knock sends more while there is no room: each answer must come at once. An event may
// find room yet, where one that was settled before went a moment late.
func (f *filler) knock(t *testing.T) {
	t.Helper()
	var slowest time.Duration
	refused := 0
	waitFor(t, "it stays full", 2*time.Minute, func() bool {
		for _, v := range f.vehicles {
			a := f.send(t, v)
			slowest = max(slowest, a.took)
			if a.status == http.StatusOK {
				refused = 0
				continue
			}
			a.checkFull(t)
			refused++
		}
		return refused >= 10*len(f.vehicles)
	})
	t.Logf("no answer took longer than %v", slowest.Round(time.Millisecond))
}

// awaitRoom sends until every vehicle has an event stored again.
func (f *filler) awaitRoom(t *testing.T) {
	t.Helper()
	for _, v := range f.vehicles {
		waitFor(t, "there is room again", 90*time.Second, func() bool {
			a := f.send(t, v)
			if a.status != http.StatusOK {
				a.checkFull(t)
			}
			return a.status == http.StatusOK
		})
	}
}

func (f *filler) awaitDelivered(t *testing.T, e *endpoint) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%d of %d are delivered\n%s", len(e.received()), f.acked(), f.s.log())
		}
	}()
	waitFor(t, "everything is delivered", 3*time.Minute, func() bool { return len(e.received()) >= f.acked() })
}

// answered is what came back for one event.
type answered struct {
	status     int
	body       string
	retryAfter string
	took       time.Duration
}

// checkFull holds an answer that is no 200 against what it must be.
func (a answered) checkFull(t *testing.T) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"buffer_full"`) {
		t.Errorf("answer %d %s, want a 503 with buffer_full", a.status, a.body)
	}
	if seconds, err := strconv.Atoi(a.retryAfter); err != nil || seconds < 1 {
		t.Errorf("Retry-After %q", a.retryAfter)
	}
	if a.took > 10*time.Second { // on a busy machine; else it is milliseconds
		t.Errorf("the answer took %v", a.took)
	}
}

// send sends one event, of bytes that compress to half at best.
func (f *filler) send(t *testing.T, v *fleetVehicle) answered {
	t.Helper()
	id, pad := uuid.NewString(), make([]byte, f.size/2)
	_, _ = rand.Read(pad) // never fails
	body := fmt.Appendf(nil, `{"eventId":%q,"eventType":"VEHICLE_STATE","data":{"vehicle":{"id":%q},"pad":%q},"meta":{"version":"4.0","mode":"LIVE"}}`,
		id, v.id, hex.EncodeToString(pad))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.s.url, bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return answered{}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(smartcar.SignatureHeader, smartcar.Sign(testToken, body))
	begun := time.Now()
	resp, err := f.s.client.Do(req)
	if err != nil {
		t.Error(err)
		return answered{}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	if resp.StatusCode == http.StatusOK {
		v.acked = append(v.acked, id)
	}
	return answered{resp.StatusCode, string(text), resp.Header.Get("Retry-After"), time.Since(begun)}
}
