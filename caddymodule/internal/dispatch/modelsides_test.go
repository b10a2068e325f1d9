package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

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
		m.crash(rnd)
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
