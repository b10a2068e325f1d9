package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/simulator"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// ledger is what the sender knows: which events it sent, with which bytes, and which of
// them were acknowledged. It stands between simulator and network.
type ledger struct {
	begun   time.Time
	network http.RoundTripper
	address string
	factor  float64 // that divides Smartcar's waits

	mu      sync.Mutex
	events  map[string]*sentEvent
	waiting map[sentDelivery]time.Time // the last attempt of deliveries that have failed
	life    *life
	// patience is how long Caddy may be away before requests are held back.
	patience time.Duration
	held     int // requests that were

	gaveUp int // deliveries that failed four times
	cutOff int // requests that were under way when something was killed
	// refused are answers other than 200 of a Caddy that was told to end.
	refused map[int]int
	// wrong is what must not be, the first few in words.
	wrong      []string
	wrongCount int
}

// sentEvent is one event. Times are since the ledger's begin; zero: not yet.
type sentEvent struct {
	vehicle string
	begun   time.Duration // when its first attempt began
	acked   time.Duration // when the first 200 was there
	life    int           // of the Caddy that was there then
	sums    []string      // bodySum of each attempt: each has a time and a signature of its own
}

type sentDelivery struct {
	event     string
	duplicate bool
}

func newLedger(s *site) *ledger {
	return &ledger{
		begun: time.Now(), factor: 1, network: s.client.Transport, address: fmt.Sprintf("localhost:%d", s.port), life: &life{},
		events: map[string]*sentEvent{}, waiting: map[sentDelivery]time.Time{}, refused: map[int]int{},
	}
}

// untilLast is the time from a failed attempt, the first to the third, to the last one.
var untilLast = [...]time.Duration{1: 175 * time.Second, 2: 150 * time.Second, 3: 100 * time.Second}

// load is what the senders send.
type load struct {
	rate        float64
	concurrency int
	vehicles    int
	size        int
}

// killLoads are as from a fleet: many events of some signals, and some of a whole car, near
// the 50 KB that Smartcar sends at most. A few are delivered twice.
var killLoads = []load{
	{rate: 300, concurrency: 24, vehicles: 48},
	{rate: 12, concurrency: 4, vehicles: 6, size: 45_000},
}

// send sends all loads on Smartcar's schedule, until ctx ends.
func (l *ledger) send(ctx context.Context, t *testing.T, url string, seed uint64) {
	var senders sync.WaitGroup
	for i, load := range killLoads {
		senders.Go(func() {
			_, err := simulator.Run(ctx, simulator.Options{
				URL: url, Token: testToken, Mode: smartcar.ModeLive, Seed: seed + uint64(i) + 1,
				Count: math.MaxInt32, Rate: load.rate, Concurrency: load.concurrency, Vehicles: load.vehicles, Size: load.size,
				Duplicates: 0.03, Retry: true, ClockFactor: l.factor,
				Timeout:  time.Minute, // a request may be held back
				Client:   &http.Client{Transport: l},
				OnResult: func(r simulator.Result) { l.result(ctx, r) },
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	senders.Wait()
}

// RoundTrip notes what is sent, and what is answered while Caddy is up.
func (l *ledger) RoundTrip(req *http.Request) (*http.Response, error) {
	content, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	l.hold(req.Context())
	at := l.attempt(body, req.Header.Get(smartcar.SignatureHeader))
	begun := time.Now()
	resp, err := l.network.RoundTrip(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		if !errors.Is(err, syscall.ECONNREFUSED) && req.Context().Err() == nil {
			l.cutOff++
		}
		if !at.up.IsZero() && begun.After(at.up) && at.ending == "" && req.Context().Err() == nil {
			l.blame("no answer, and nothing had killed Caddy: %v", err)
		}
	case resp.StatusCode == http.StatusOK:
		// An answer of the Caddy before may be read only now.
		if begun.After(l.life.started) {
			l.life.acknowledged(begun)
		}
	case at.ending == victimStop:
		l.refused[resp.StatusCode]++
	default:
		l.blame("answer %d", resp.StatusCode)
	}
	return resp, err
}

// hold stops the sender's clock while Caddy is away for longer than its patience. Smartcar
// sends for 175 s, in which a Caddy starts on any machine; of a start that takes seconds where
// it took tenths before, because a machine has other work, the scaled schedule knows nothing.
func (l *ledger) hold(ctx context.Context) {
	overdue := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.patience > 0 && l.life.awayFor() > l.patience
	}
	if !overdue() {
		return
	}
	l.mu.Lock()
	l.held++
	l.mu.Unlock()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for overdue() {
		if conn, err := net.Dial("tcp", l.address); err == nil {
			conn.Close()
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// attempt notes the bytes that are sent, and returns the life that begins with them.
func (l *ledger) attempt(body []byte, signature string) *life {
	e, err := smartcar.ParseEnvelope(body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.blame("the sender made a body that cannot be read: %v", err)
		return l.life
	}
	sent := l.events[e.EventID]
	if sent == nil {
		sent = &sentEvent{vehicle: e.VehicleID, begun: time.Since(l.begun)}
		l.events[e.EventID] = sent
	}
	sent.sums = append(sent.sums, bodySum(body, signature))
	return l.life
}

// result notes the end of an attempt.
func (l *ledger) result(ctx context.Context, r simulator.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := sentDelivery{r.EventID, r.Duplicate}
	switch {
	case r.Status == http.StatusOK:
		delete(l.waiting, key)
		if r.Problem != "" {
			l.blame("%s", r.Problem)
		}
		if sent := l.events[r.EventID]; sent.acked == 0 {
			sent.acked, sent.life = time.Since(l.begun), l.life.number
		}
	case !r.Last:
		l.waiting[key] = time.Now().Add(time.Duration(float64(untilLast[r.Attempt]) / l.factor))
	case ctx.Err() == nil:
		delete(l.waiting, key)
		l.gaveUp++
	}
}

// blame needs the lock.
func (l *ledger) blame(format string, args ...any) {
	l.wrongCount++
	if len(l.wrong) < 10 {
		l.wrong = append(l.wrong, fmt.Sprintf("%v: life %d: ", time.Since(l.begun).Round(time.Millisecond), l.life.number)+fmt.Sprintf(format, args...))
	}
}

// begin notes that a Caddy starts. From then on requests are held back while it is away for
// longer than the sender's patience.
func (l *ledger) begin(patience time.Duration) *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.life = &life{number: l.life.number + 1, started: now, away: now}
	l.patience = patience
	return l.life
}

// end notes that Caddy is about to be killed.
func (l *ledger) end(by victim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.life.ending, l.life.away = by, time.Now()
}

// over notes that it has ended.
func (l *ledger) over() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.life.ended = time.Now()
}

// upSince says when the present Caddy gave its first 200; zero: not yet.
func (l *ledger) upSince() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.life.up
}

// lastAttempt is the soonest moment at which a delivery that has failed is tried for the
// last time; false: none has failed.
func (l *ledger) lastAttempt() (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return time.Time{}, false
	}
	return slices.MinFunc(slices.Collect(maps.Values(l.waiting)), time.Time.Compare), true
}
