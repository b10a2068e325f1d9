package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
)

// spy tells the model what is durable, and makes the store slow and faulty.
type spy struct {
	buffer.Consumer
	m     *model
	life  int
	store buffer.Buffer
	mu    sync.Mutex
	rnd   *rand.Rand
	calls int // of Settle, under way
}

// count counts a call of Settle that begins or ends, and returns those under way.
func (s *spy) count(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls += n
	return s.calls
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

// Memo notes look-ups that fail because the consumer is closed, or the call over: then
// events are delivered as they are.
func (s *spy) Memo(ctx context.Context, key string) ([]byte, error) {
	value, err := s.Consumer.Memo(ctx, key)
	if err == nil {
		return value, nil
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if ctx.Err() == nil && !errors.Is(err, buffer.ErrClosed) {
		s.m.t.Errorf("looking up %s: %v", key, err)
	}
	if s.life == s.m.life {
		s.m.unread = true
	}
	return nil, err
}

func (s *spy) Settle(ctx context.Context, outcomes ...buffer.Outcome) error {
	s.count(1)
	defer s.count(-1)
	pass(time.Duration(s.roll(30)) * time.Millisecond)
	if s.faulty() {
		return errFault
	}
	s.m.mu.Lock()
	if s.life != s.m.life { // its dispatcher has stopped, and it is closed
		s.m.mu.Unlock()
		return buffer.ErrClosed
	}
	for _, o := range outcomes {
		s.m.begins(o)
	}
	s.m.mu.Unlock()
	if err := s.Consumer.Settle(ctx, outcomes...); err != nil {
		return err
	}
	s.acknowledge(outcomes)
	if s.faulty() {
		return errFault // it was stored all the same
	}
	pass(time.Duration(s.roll(30)) * time.Millisecond)
	return nil
}

// acknowledge notes that outcomes are durable, and asks the store whether they are.
func (s *spy) acknowledge(outcomes []buffer.Outcome) {
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range outcomes {
		f := m.at(o.Position)
		if f == nil {
			continue
		}
		m.say(f.e.ID, "settle is durable: verb %d", o.Verb)
		got, ok := stateFor(m, o.Position)
		if o.Verb == buffer.Reopen && got.Phase == buffer.PhaseSettled && m.trimmed(f) {
			// It was trimmed before it could be reopened.
			f.history, f.final = f.history[:len(f.history)-1], true
		}
		f.acked = len(f.history) - 1
		if a := f.last(); ok && (got.Phase != a.phase || got.Phase == buffer.PhaseDeferred && !a.is(got.Retry)) {
			m.t.Errorf("%s is %s %+v after verb %d, want %s", f.e.ID, got.Phase, got.Retry, o.Verb, a)
		}
	}
}

func (m *model) trimmed(f *fate) bool {
	_, err := m.world.store.Event(context.Background(), f.e.Position)
	return errors.Is(err, buffer.ErrNotFound)
}

func (m *model) at(position uint64) *fate {
	if position == 0 || position > uint64(len(m.order)) {
		return nil
	}
	return m.order[position-1]
}

// begins notes that an outcome may be durable from now on; m.mu is held.
func (m *model) begins(o buffer.Outcome) {
	f := m.at(o.Position)
	if f == nil {
		return
	}
	m.say(f.e.ID, "settle begins: verb %d %+v lane %s", o.Verb, o.Retry, o.Lane)
	next := state{phase: buffer.PhaseSettled, verb: o.Verb, merged: f.last().merged}
	switch o.Verb {
	case buffer.Reopen:
		if f.last().phase != buffer.PhaseSettled {
			return
		}
		next = state{phase: buffer.PhaseDeferred, replay: true, merged: next.merged}
		f.final, f.attempts, f.crashes, f.replay = false, 0, 0, true
		f.notBefore, f.failing, f.failedAt, f.reopenedAt = time.Time{}, 0, time.Time{}, time.Now()
	case buffer.Defer:
		next = state{phase: buffer.PhaseDeferred, attempts: o.Retry.Attempts, crashes: o.Retry.Crashes, replay: o.Retry.Replay != "", merged: next.merged}
	}
	if next == f.last() || f.last().phase == buffer.PhaseSettled && o.Verb != buffer.Reopen && next.phase == buffer.PhaseSettled && next.verb == f.last().verb {
		return // the same again is a Settle that was repeated
	}
	if f.last().phase == buffer.PhaseSettled && o.Verb != buffer.Reopen {
		if o.Verb != buffer.Defer { // a Settle that was repeated may also hold what came before
			m.t.Errorf("%s is settled again: %v, then %v", f.e.ID, f.history, next)
		}
		return
	}
	switch o.Verb {
	case buffer.Defer:
		m.defers(f, o)
	case buffer.Skip:
		if f.wanted && !m.spared(f) {
			m.t.Errorf("%s is wanted, but was skipped: newest %d, %s %s, recorded %d, replay %t, %v", f.e.ID, m.newest[f.e.VehicleID], m.cfg.Stale, m.cfg.Order, f.recorded, f.replay, f.history)
		}
		f.final = true
	case buffer.Dead:
		if !f.final || o.Reason != f.reason {
			m.t.Errorf("%s became a dead letter, %s, want %q", f.e.ID, o.Reason, f.reason)
		}
	case buffer.Done:
		if !f.final || f.reason != "" {
			m.t.Errorf("%s is done, want %q, final %t: %v", f.e.ID, f.reason, f.final, f.history)
		}
		next.merged = next.merged || !f.replay && m.judges() && f.recorded > 0
	}
	f.history = append(f.history, next)
}

// defers checks what is remembered of an event that is set aside; m.mu is held.
func (m *model) defers(f *fate, o buffer.Outcome) {
	r := o.Retry
	same := r.Attempts == f.attempts && r.Crashes == f.crashes || f.long && r.Attempts == f.attemptsThen && r.Crashes == f.crashesThen
	if !same || (r.Replay != "") != f.replay {
		m.t.Errorf("%s is deferred with %+v, want %d attempts, %d crashes, replay %t: %v", f.e.ID, r, f.attempts, f.crashes, f.replay, f.history)
	}
	if r.Attempts > f.last().attempts && r.Crashes == f.last().crashes {
		// Without an age nothing goes by it, and only what has certainly passed is added.
		if r.Failing > f.failing || r.Failing < f.failing && m.cfg.ParkAfter.Age > 0 {
			m.t.Errorf("%s fails for %s, want %s", f.e.ID, r.Failing, f.failing)
		}
		wait := r.NotBefore.Sub(r.LastAt)
		if least, most := max(m.cfg.Retry.MinDelay, f.after), max(m.cfg.Retry.MaxDelay, f.after); wait < least || wait > most {
			m.t.Errorf("%s waits for %s after attempt %d, want %s to %s", f.e.ID, wait, r.Attempts, least, most)
		}
	}
	f.notBefore, f.lastAt = r.NotBefore, r.LastAt
	if r.LastAt.Before(m.resumed) {
		f.notBefore = time.Time{} // it was tried before the last resume
	}
}

// judges reports whether freshness is looked at; m.mu is held.
func (m *model) judges() bool { return m.cfg.Stale == freshness.Mark || m.cfg.Stale == freshness.Drop }

// spared reports whether the handler is spared the event; m.mu is held.
func (m *model) spared(f *fate) bool { return m.cfg.Stale == freshness.Drop && m.stale(f) }

func (s *spy) Lease(ctx context.Context, room buffer.Room) ([]buffer.Lease, error) {
	if s.faulty() {
		return nil, errFault
	}
	room.Events = 1 + s.roll(room.Events)
	leases, err := s.Consumer.Lease(ctx, room)
	s.tell("is leased", leases)
	return leases, err
}

func (s *spy) LeaseDeferred(ctx context.Context, lane string, room buffer.Room) ([]buffer.Lease, error) {
	if s.faulty() {
		return nil, errFault
	}
	leases, err := s.Consumer.LeaseDeferred(ctx, lane, room)
	s.tell(fmt.Sprintf("is looked up, one of %d (%d asked for)", len(leases), room.Events), leases)
	if s.roll(4) == 0 {
		pass(time.Duration(s.roll(5000)) * time.Millisecond)
	}
	return leases, err
}

func (s *spy) tell(what string, leases []buffer.Lease) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for _, l := range leases {
		s.m.say(l.Event.ID, "%s %+v", what, l.Retry)
	}
}

// replay reopens some settled events, dead letters among them, in the order of their positions.
func (m *model) replay() {
	letters := map[uint64]buffer.DeadLetterID{}
	for l, err := range m.world.store.DeadLetters(context.Background(), "") {
		if err == nil {
			letters[l.Event.Position] = l.ID
		}
	}
	var items []dispatch.Reopening
	m.mu.Lock()
	for _, f := range m.order {
		if f.acked == len(f.history)-1 && f.last().phase == buffer.PhaseSettled && m.rnd.IntN(10) == 0 && len(items) < 64 {
			if _, err := m.world.store.Event(context.Background(), f.e.Position); err != nil && letters[f.e.Position] == "" {
				continue // trimmed
			}
			items = append(items, dispatch.Reopening{
				Event:  &buffer.Event{Position: f.e.Position, VehicleID: f.e.VehicleID},
				Letter: letters[f.e.Position], Replay: "job",
			})
		}
	}
	m.mu.Unlock()
	m.replays++
	memo := &buffer.Memo{Key: "replay/job", Value: fmt.Append(nil, m.replays)}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := m.d.Reopen(ctx, items, memo); err != nil {
		return // it may be done later
	}
	if got, err := m.consumer.Memo(ctx, "replay/job"); err != nil || !slices.Equal(got, memo.Value) {
		m.t.Errorf("the memo of a replay is %q, %v, want %q", got, err, memo.Value)
	}
}

// check holds what the dispatcher says of itself against its bounds.
func (m *model) check() {
	s := m.d.Stats()
	m.mu.Lock()
	defer m.mu.Unlock()
	readAhead := max(256, 4*m.cfg.Concurrency*m.cfg.Batch.MaxEvents)
	if s.InMemory > readAhead*3/2 || s.Unsettled > max(4096, 4*readAhead)+readAhead || s.InFlight > m.cfg.Concurrency*m.cfg.Batch.MaxEvents {
		m.t.Errorf("bounds are broken: %+v", s)
	}
}

func (m *model) calm() {
	if m.world.disarm() {
		m.restart(false)
	}
	m.setPaused(false)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.isCalm = true
}

// open counts events that are not durably settled.
func (m *model) open() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.order {
		if f.history[f.acked].phase != buffer.PhaseSettled {
			n++
		}
	}
	return n
}

func (m *model) finish() {
	stats := m.d.Stats()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := m.d.Stop(ctx); err != nil {
		m.t.Errorf("stop at the end: %v", err)
	}
	m.consumer.Close()
	defer m.world.store.Close()
	if m.t.Failed() {
		return
	}
	dead := 0
	for _, f := range m.order {
		switch {
		case f.history[f.acked].phase != buffer.PhaseSettled:
			m.t.Errorf("event %s of %s was never settled; delivered %d times; %v; %+v", f.e.ID, f.e.VehicleID, f.delivered, f.history, stats)
		case !f.wanted && f.last().verb != buffer.Skip:
			m.t.Errorf("event %s is not wanted, but verb is %d", f.e.ID, f.last().verb)
		}
		if f.last().verb == buffer.Dead {
			dead++
		}
	}
	if got := m.world.store.Stats().DeadLetters; got != uint64(dead) {
		m.t.Errorf("the store has %d dead letters, want %d", got, dead)
	}
}
