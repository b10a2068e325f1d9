package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
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
	up := h.m.process.up
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
	process, calm := m.process, m.isCalm
	poison := false
	if h.life == m.life {
		m.arrive(batch)
		for _, d := range batch {
			poison = poison || m.events[d.Event.ID].poison
		}
	}
	m.mu.Unlock()
	defer h.leave(batch)

	select {
	case <-process.up:
	default:
		return nil, fmt.Errorf("no process: %w", dispatch.ErrDown)
	}
	latency := time.Duration(rnd.IntN(50)) * time.Millisecond
	if !calm {
		switch rnd.IntN(40) {
		case 0:
			latency = time.Minute // hangs
		case 1, 2:
			latency = time.Duration(rnd.IntN(9000)) * time.Millisecond
		}
	}
	select {
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			h.each(batch, func(f *fate) { m.fails(f, 0) })
		}
		return nil, ctx.Err()
	case <-process.ended:
		return nil, h.ended(process, batch)
	case <-time.After(latency):
	}
	if poison || !calm && rnd.IntN(100) == 0 {
		m.mu.Lock()
		if m.process == process {
			m.processEnds(true, rnd)
		}
		m.mu.Unlock()
		return nil, h.ended(process, batch)
	}
	return h.answer(batch, rnd, calm), nil
}

// ended is what the calls under way get when the process ends.
func (h *modelHandler) ended(p *process, batch []dispatch.Delivery) error {
	if !p.crash {
		return fmt.Errorf("process was ended: %w", dispatch.ErrDown)
	}
	h.each(batch, func(f *fate) {
		if f.crashes++; f.crashes >= 3 {
			f.final, f.reason = true, buffer.ReasonPoison
		}
	})
	return fmt.Errorf("process ended: %w", &dispatch.CrashError{Detail: "exit status 2"})
}

// answer answers each event of a batch, sometimes with too few or too many results.
func (h *modelHandler) answer(batch []dispatch.Delivery, rnd *rand.Rand, calm bool) []dispatch.Result {
	m := h.m
	results := make([]dispatch.Result, len(batch))
	if !calm && rnd.IntN(50) == 0 {
		results = results[:rnd.IntN(len(batch)+1)]
	}
	i := -1
	h.each(batch, func(f *fate) {
		if i++; i >= len(results) {
			m.fails(f, 0)
			return
		}
		roll := rnd.IntN(20)
		if calm {
			roll += 8
		}
		switch roll {
		case 0, 1, 2:
			results[i] = dispatch.Result{Status: dispatch.Retry, Error: "not now"}
			m.fails(f, 0)
		case 3:
			results[i] = dispatch.Result{Status: dispatch.Retry, After: time.Minute, Error: "later"}
			m.fails(f, time.Minute)
		case 4:
			results[i] = dispatch.Result{Status: dispatch.Reject, Reason: "bad"}
			f.final, f.reason = true, buffer.ReasonRejected
		case 5:
			results[i] = dispatch.Result{Status: dispatch.Unavailable, Error: "database is down"}
		default:
			results[i] = dispatch.Result{Status: dispatch.Done}
			f.final, f.reason = true, ""
			if !f.replay && m.judges() {
				m.newest[f.e.VehicleID] = max(m.newest[f.e.VehicleID], f.recorded)
			}
		}
	})
	if !calm && len(results) == len(batch) && rnd.IntN(20) == 0 {
		results = append(results, dispatch.Result{Status: dispatch.Reject})
	}
	return results
}

// each does something for each event of a batch, unless the dispatcher is an older one.
func (h *modelHandler) each(batch []dispatch.Delivery, f func(*fate)) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if h.life != h.m.life {
		return
	}
	for _, d := range batch {
		h.m.events[d.Event.ID].answered()
		f(h.m.events[d.Event.ID])
		h.m.say(d.Event.ID, "was answered: final %t, %d attempts, %d crashes", h.m.events[d.Event.ID].final, h.m.events[d.Event.ID].attempts, h.m.events[d.Event.ID].crashes)
	}
}

// leave notes that a call is over.
func (h *modelHandler) leave(batch []dispatch.Delivery) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if h.life != h.m.life {
		return
	}
	h.m.inCalls--
	for _, d := range batch {
		f := h.m.events[d.Event.ID]
		if h.m.flying[f.e.VehicleID] == f.e.ID {
			delete(h.m.flying, f.e.VehicleID)
		}
	}
}

// arrive checks a call; m.mu is held.
func (m *model) arrive(batch []dispatch.Delivery) {
	m.inCalls++
	if m.paused {
		m.t.Errorf("%s is delivered while paused", batch[0].Event.ID)
	}
	if len(batch) > 3 || len(batch) > m.cfg.Batch.MaxEvents {
		m.t.Errorf("a batch of %d for a handler that takes 3 of a definition with %d", len(batch), m.cfg.Batch.MaxEvents)
	}
	if m.inCalls > m.cfg.Concurrency {
		m.t.Errorf("%d calls under way, at most %d may be", m.inCalls, m.cfg.Concurrency)
	}
	if m.suspected && m.inCalls > 1 {
		m.t.Errorf("%s is delivered while a suspect is", batch[0].Event.ID)
	}
	m.suspected = false
	for _, d := range batch {
		f := m.events[d.Event.ID]
		if f.crashes >= 2 {
			m.suspected = true
			if m.inCalls > 1 || len(batch) > 1 {
				m.t.Errorf("%s is a suspect and is not alone: %d calls, batch of %d", f.e.ID, m.inCalls, len(batch))
			}
		}
		m.arrives(f, d)
	}
}

// arrives checks a delivery; m.mu is held.
func (m *model) arrives(f *fate, d dispatch.Delivery) {
	m.say(f.e.ID, "is delivered, attempt %d", d.Attempt)
	f.delivered++
	now := time.Now()
	f.arrived = now
	switch {
	case !f.wanted:
		m.t.Errorf("%s is delivered and not wanted", f.e.ID)
	case f.last().phase == buffer.PhaseSettled:
		m.t.Errorf("%s is delivered after it was settled: %v", f.e.ID, f.history)
	case f.final:
		m.t.Errorf("%s is delivered after its last answer, without a restart", f.e.ID)
	case now.Before(f.notBefore):
		m.t.Errorf("%s is delivered %s before it is due: %v", f.e.ID, f.notBefore.Sub(now), f.history)
	}
	if d.Attempt != f.attempts+1 {
		m.t.Errorf("%s is delivered as attempt %d after %d failures", f.e.ID, d.Attempt, f.attempts)
	}
	if d.Replay != f.replay {
		m.t.Errorf("%s: replay is %t, want %t", f.e.ID, d.Replay, f.replay)
	}
	if d.Event.Position != f.e.Position || d.Event.VehicleID != f.e.VehicleID {
		m.t.Errorf("%s comes with the envelope of another", f.e.ID)
	}
	if m.cfg.Order == dispatch.OrderNone {
		return
	}
	// Not Lane of the event: the model must not take its notion of a lane from what it tests.
	lane := f.e.VehicleID
	for _, other := range m.order {
		if other == f || !other.wanted || other.e.VehicleID != lane {
			continue
		}
		// A delivery may be on its way here while an earlier event is reopened, but takes
		// no time for it.
		if other.e.Position < f.e.Position && !other.final && !m.spared(other) && !other.reopenedAt.Equal(now) {
			m.t.Errorf("%s is delivered before %s of the same lane is finished:%s", f.e.ID, other.e.ID, m.tell(f.e.ID, other.e.ID))
		}
	}
	if other := m.flying[lane]; other != "" {
		m.t.Errorf("%s is delivered while %s of the same lane is in flight", f.e.ID, other)
	}
	m.flying[lane] = f.e.ID
	want := ""
	if m.stale(f) {
		want = "soc"
	}
	if got := strings.Join(d.Stale, " "); got != want && (!m.unread || got != "") {
		m.t.Errorf("%s (recorded %d, newest %d): stale %q, want %q", f.e.ID, f.recorded, m.newest[f.e.VehicleID], got, want)
	}
}
