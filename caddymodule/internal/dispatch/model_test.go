package dispatch_test

import (
	"context"
	"errors"
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
			m.crash()
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
func (m *model) crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.up:
	default:
		return
	}
	up := make(chan struct{})
	m.up = up
	time.AfterFunc(time.Duration(m.rnd.IntN(20000))*time.Millisecond, func() { close(up) })
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

// modelHandler answers at random and holds every delivery against the model.
type modelHandler struct {
	m    *model
	life int
}

func (h *modelHandler) MaxBatch() int               { return 3 }
func (h *modelHandler) Wants(eventType string) bool { return eventType != "OTHER" }

func (h *modelHandler) Ready(ctx context.Context) error {
	h.m.mu.Lock()
	up := h.m.up
	h.m.mu.Unlock()
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *modelHandler) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	m := h.m
	m.mu.Lock()
	m.answers++
	rnd := rand.New(rand.NewPCG(m.answers, uint64(len(m.order))))
	for _, d := range batch {
		m.arrives(d)
	}
	up, calm := m.up, m.isCalm
	m.mu.Unlock()

	if len(batch) > 3 {
		m.t.Errorf("a batch of %d for a handler that takes 3", len(batch))
	}
	select {
	case <-up:
	default:
		return nil, h.leave(batch, fmt.Errorf("no process: %w", dispatch.ErrDown))
	}
	latency := time.Duration(rnd.IntN(50)) * time.Millisecond
	if !calm && rnd.IntN(40) == 0 {
		latency = time.Minute
	}
	select {
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			h.fail(batch)
		}
		return nil, h.leave(batch, ctx.Err())
	case <-time.After(latency):
	}
	if !calm && rnd.IntN(50) == 0 {
		m.crash()
		return nil, h.leave(batch, fmt.Errorf("process ended: %w", dispatch.ErrDown))
	}
	results := make([]dispatch.Result, len(batch))
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, d := range batch {
		f := m.events[d.Event.ID]
		roll := rnd.IntN(20)
		if calm {
			roll += 8
		}
		switch roll {
		case 0, 1, 2:
			results[i] = dispatch.Result{Status: dispatch.Retry, Error: "not now"}
			f.fails(d.Attempt, m.cfg.Retry.MaxAttempts)
		case 3:
			results[i] = dispatch.Result{Status: dispatch.Retry, After: time.Minute, Error: "later"}
			f.fails(d.Attempt, m.cfg.Retry.MaxAttempts)
		case 4:
			results[i] = dispatch.Result{Status: dispatch.Reject, Code: "bad"}
			f.final = true
		case 5:
			results[i] = dispatch.Result{Status: dispatch.Unavailable, Error: "database is down"}
		default:
			results[i] = dispatch.Result{Status: dispatch.Done}
			f.final = true
		}
		h.leaves(d)
	}
	return results, nil
}

// arrives checks a delivery; m.mu is held.
func (m *model) arrives(d dispatch.Delivery) {
	f := m.events[d.Event.ID]
	lane := f.e.Lane()
	f.delivered++
	switch {
	case !f.wanted:
		m.t.Errorf("%s is delivered and not wanted", f.e.ID)
	case f.durable:
		m.t.Errorf("%s is delivered after its settlement was durable", f.e.ID)
	case f.final:
		m.t.Errorf("%s is delivered after its last answer, without a restart", f.e.ID)
	}
	if d.Attempt < 1 || d.Attempt > f.failures+1 || m.restarts == 0 && d.Attempt != f.failures+1 {
		m.t.Errorf("%s is delivered as attempt %d after %d failures", f.e.ID, d.Attempt, f.failures)
	}
	if m.cfg.Order == dispatch.OrderNone {
		return
	}
	if other := m.flying[lane]; other != "" {
		m.t.Errorf("%s is delivered while %s of the same lane is in flight", f.e.ID, other)
	}
	m.flying[lane] = f.e.ID
	for _, other := range m.order {
		if other == f || !other.wanted || other.e.Lane() != lane {
			continue
		}
		if other.e.Position < f.e.Position && !other.final {
			m.t.Errorf("%s is delivered before %s of the same lane is finished", f.e.ID, other.e.ID)
		}
		if other.e.Position > f.e.Position && other.durable {
			m.t.Errorf("%s is delivered after %s, which is later in the same lane, was settled", f.e.ID, other.e.ID)
		}
	}
}

// leaves notes that a delivery is over; m.mu is held.
func (h *modelHandler) leaves(d dispatch.Delivery) {
	if h.life == h.m.lives {
		delete(h.m.flying, h.m.events[d.Event.ID].e.Lane())
	}
}

func (h *modelHandler) leave(batch []dispatch.Delivery, err error) error {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	for _, d := range batch {
		h.leaves(d)
	}
	return err
}

// fail counts an attempt for each event of a call that timed out.
func (h *modelHandler) fail(batch []dispatch.Delivery) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	for _, d := range batch {
		h.m.events[d.Event.ID].fails(d.Attempt, h.m.cfg.Retry.MaxAttempts)
	}
}

// spy tells the model what is durable, and makes the store slow and faulty.
type spy struct {
	buffer.Consumer
	m   *model
	mu  sync.Mutex
	rnd *rand.Rand
}

func (s *spy) roll(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(n)
}

var errFault = errors.New("injected fault")

func (s *spy) faulty() bool {
	s.m.mu.Lock()
	faults := s.m.faults && !s.m.isCalm
	s.m.mu.Unlock()
	return faults && s.roll(20) == 0
}

func (s *spy) Settle(ctx context.Context, outcomes ...buffer.Outcome) error {
	pass(time.Duration(s.roll(30)) * time.Millisecond)
	if s.faulty() {
		return errFault
	}
	if err := s.Consumer.Settle(ctx, outcomes...); err != nil {
		return err
	}
	s.m.mu.Lock()
	for _, o := range outcomes {
		if o.Verb == buffer.Defer {
			continue
		}
		for _, f := range s.m.order {
			if f.e.Position == o.Position {
				if f.durable && f.verb != o.Verb { // the same again is a Settle that was repeated
					s.m.t.Errorf("%s is settled as %d, then as %d", f.e.ID, f.verb, o.Verb)
				}
				f.durable, f.final, f.verb = true, true, o.Verb
			}
		}
	}
	s.m.mu.Unlock()
	if s.faulty() {
		return errFault // it was stored all the same
	}
	pass(time.Duration(s.roll(30)) * time.Millisecond)
	return nil
}

func (s *spy) Lease(ctx context.Context, n int) ([]buffer.Lease, error) {
	if s.faulty() {
		return nil, errFault
	}
	return s.Consumer.Lease(ctx, 1+s.roll(n))
}

func (s *spy) LeaseDeferred(ctx context.Context, lane string, n int) ([]buffer.Lease, error) {
	if s.faulty() {
		return nil, errFault
	}
	leases, err := s.Consumer.LeaseDeferred(ctx, lane, n)
	if s.roll(4) == 0 {
		pass(time.Duration(s.roll(5000)) * time.Millisecond)
	}
	return leases, err
}
