package dispatch_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

var seeds = flag.Int("seeds", 300, "how many random histories TestModel runs")

// TestModel plays random histories of appends, answers, crashes, faults of the store
// and restarts, and holds each against the model. A failing one says how to run it
// alone: go test -run 'TestModel/memory/seed=17$' -seeds 18.
func TestModel(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			n := *seeds
			if testing.Short() {
				n = min(n, 50)
			}
			for seed := range n {
				t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { playHistory(t, uint64(seed), open) })
				})
			}
		})
	}
}

// playHistory runs one history to its end: every event settled.
func playHistory(t *testing.T, seed uint64, open openStore) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	m := &model{t: t, rnd: rnd, events: map[string]*fate{}, flying: map[string]string{}, up: make(chan struct{})}
	close(m.up)
	cfg := dispatch.Config{
		Name:        "model",
		Order:       dispatch.OrderVehicle,
		Concurrency: 1 + rnd.IntN(8),
		Timeout:     10 * time.Second,
		Retry: dispatch.RetryPolicy{
			MaxAttempts: 2 + rnd.IntN(5), MinDelay: time.Second, MaxDelay: time.Duration(1+rnd.IntN(60)) * time.Second,
		},
		Breaker: dispatch.BreakerPolicy{Failures: 1 + rnd.IntN(8), Cooldown: time.Duration(1+rnd.IntN(60)) * time.Second},
		Batch:   dispatch.BatchPolicy{MaxEvents: 1 + rnd.IntN(5), MaxWait: time.Duration(rnd.IntN(3)) * 20 * time.Millisecond},
		When:    func(e *buffer.Event) bool { return e.Mode != "TEST" },
		Log:     slog.New(slog.DiscardHandler),
		Rand:    rand.New(rand.NewPCG(seed, 2)).Float64,
	}
	if rnd.IntN(4) == 0 {
		cfg.Order = dispatch.OrderNone
	}
	m.cfg = cfg
	m.faults = rnd.IntN(3) == 0
	lanes, total := 1+rnd.IntN(8), 20+rnd.IntN(400)

	store := open(t)
	defer store.Close()
	m.start(store)
	for i := range total {
		e := &buffer.Event{ID: fmt.Sprintf("e%04d", i), VehicleID: fmt.Sprintf("v%d", rnd.IntN(lanes)), Type: "VEHICLE_STATE"}
		switch rnd.IntN(12) {
		case 0:
			e.Mode = "TEST" // not wanted by When
		case 1:
			e.Type = "OTHER" // not wanted by the handler
		}
		m.add(store, e)
		switch rnd.IntN(60) {
		case 0, 1, 2:
			pass(time.Duration(rnd.IntN(20)) * time.Second)
		case 3:
			m.crash(rnd)
		case 4:
			m.restart(store)
		case 5, 6, 7, 8:
			pass(time.Duration(rnd.IntN(100)) * time.Millisecond)
		}
	}
	// Trouble ends, so that the history does. Without a restart from here on: one would
	// hide an event that was forgotten on disk.
	m.calm()
	for range 600 {
		if m.open() == 0 {
			break
		}
		pass(time.Minute)
	}
	m.finish(store)
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

// fate is what the model knows of one event.
type fate struct {
	e         buffer.Event
	wanted    bool
	failures  int  // counted attempts so far
	final     bool // answered for good
	durable   bool // its settlement was reported durable
	verb      buffer.Verb
	delivered int
}

// fails counts a failed attempt. A restart may have forgotten the last ones, so the
// delivery's own number is what counts.
func (f *fate) fails(attempt, most int) {
	f.failures = attempt
	f.final = attempt >= most
}

// model watches handler and consumer from both sides.
type model struct {
	t      *testing.T
	rnd    *rand.Rand // of the main goroutine
	cfg    dispatch.Config
	faults bool

	mu       sync.Mutex
	order    []*fate
	events   map[string]*fate
	flying   map[string]string // lane → event id
	up       chan struct{}     // closed while up
	isCalm   bool
	restarts int
	lives    int // generation of the dispatcher: calls of an older one do not count
	answers  uint64

	d        *dispatch.Dispatcher
	consumer *spy
}

func (m *model) add(store buffer.Buffer, e *buffer.Event) {
	m.mu.Lock()
	f := &fate{wanted: e.Mode != "TEST" && e.Type != "OTHER"}
	m.order = append(m.order, f)
	m.events[e.ID] = f
	e.Position = uint64(len(m.order))
	f.e = *e
	m.mu.Unlock()
	r, err := store.Append(context.Background(), e)
	if err != nil {
		m.t.Fatalf("append: %v", err)
	}
	m.mu.Lock()
	f.e.Position = r.Position
	m.mu.Unlock()
}

func (m *model) start(store buffer.Buffer) {
	c, err := store.Consumer(context.Background(), "model")
	if err != nil {
		m.t.Fatalf("opening consumer: %v", err)
	}
	m.consumer = &spy{Consumer: c, m: m, rnd: rand.New(rand.NewPCG(m.rnd.Uint64(), 3))}
	m.d = dispatch.Start(m.cfg, m.consumer, &modelHandler{m: m, life: m.lives})
}

// restart ends the dispatcher in one of three ways and starts another.
func (m *model) restart(store buffer.Buffer) {
	patience := time.Duration(m.rnd.IntN(3)) * 6 * time.Second
	if m.rnd.IntN(3) == 0 {
		m.consumer.Close() // as if the process were killed: nothing more gets durable
		patience = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	_ = m.d.Stop(ctx)
	cancel()
	m.consumer.Close()
	m.mu.Lock()
	m.restarts++
	m.lives++
	m.flying = map[string]string{}
	// What was answered and did not get durable is open again.
	for _, f := range m.order {
		f.final = f.durable
	}
	m.mu.Unlock()
	m.start(store)
}

// crash takes the handler down for a while.
func (m *model) crash(rnd *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.up:
	default:
		return
	}
	up := make(chan struct{})
	m.up = up
	time.AfterFunc(time.Duration(rnd.IntN(20000))*time.Millisecond, func() { close(up) })
}

func (m *model) calm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.isCalm = true
}

// open counts events that are not durably settled.
func (m *model) open() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.order {
		if !f.durable {
			n++
		}
	}
	return n
}

func (m *model) finish(store buffer.Buffer) {
	stats := m.d.Stats()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := m.d.Stop(ctx); err != nil {
		m.t.Errorf("stop at the end: %v", err)
	}
	m.consumer.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	dead := 0
	for _, f := range m.order {
		switch {
		case !f.durable:
			m.t.Errorf("event %s of %s was never settled; delivered %d times; %+v", f.e.ID, f.e.Lane(), f.delivered, stats)
		case !f.wanted && (f.verb != buffer.Skip || f.delivered > 0):
			m.t.Errorf("event %s is not wanted, but verb is %d after %d deliveries", f.e.ID, f.verb, f.delivered)
		case f.wanted && f.verb == buffer.Skip:
			m.t.Errorf("event %s is wanted, but was skipped", f.e.ID)
		}
		if f.verb == buffer.Dead {
			dead++
		}
	}
	if got := store.Stats().DeadLetters; got != uint64(dead) {
		m.t.Errorf("the store has %d dead letters, want %d", got, dead)
	}
}
