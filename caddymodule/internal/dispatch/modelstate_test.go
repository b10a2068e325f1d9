package dispatch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
)

// state is what is durable of one event.
type state struct {
	phase             buffer.Phase
	verb              buffer.Verb // when settled
	attempts, crashes int         // when deferred, as is replay
	replay            bool
	merged            bool // its readings are in the vehicle's table
}

func (s state) String() string {
	return fmt.Sprintf("%s verb=%d attempts=%d crashes=%d replay=%t", s.phase, s.verb, s.attempts, s.crashes, s.replay)
}

// fate is what the model knows of one event.
type fate struct {
	e                         buffer.Event
	wanted, poison            bool
	recorded                  int // when its signal was recorded, 0: it has none
	history                   []state
	acked                     int  // the last state in history that was said to be durable
	final                     bool // answered for good, though it may not be durable
	reason                    buffer.Reason
	attempts, crashes         int
	replay                    bool
	notBefore                 time.Time
	lastAt                    time.Time
	failing                   time.Duration // from the first failed attempt to the last, as far as it is known
	failedAt                  time.Time     // when that was, in this life
	reopenedAt                time.Time
	after                     time.Duration // what the handler asked for last
	arrived                   time.Time
	long                      bool // the last call took so long that the event may have been detached
	attemptsThen, crashesThen int  // before its answer
	delivered                 int
}

func (f *fate) last() state { return f.history[len(f.history)-1] }

// model watches handler and consumer from both sides.
type model struct {
	t      *testing.T
	rnd    *rand.Rand // of the main goroutine
	world  *world
	faults bool

	mu        sync.Mutex
	cfg       dispatch.Config
	order     []*fate // by position
	events    map[string]*fate
	named     int
	appended  int               // of order, those that were said to be durable
	flying    map[string]string // lane → event id
	inCalls   int
	suspected bool // the call under way carries a suspect
	replays   int
	newest    map[string]int // vehicle → newest recorded that was finished
	unread    bool           // in this life, a vehicle's newest readings could not be looked up
	process   *process
	isCalm    bool
	paused    bool
	resumed   time.Time // in this life
	begun     time.Time // of this life
	life      int       // generation of the dispatcher: calls of an older one do not count
	answers   uint64

	trace    trace
	d        *dispatch.Dispatcher
	consumer *spy
}

// answered notes what was known of an event before the answer to a call that took long:
// it may have been deferred with that while the call was under way. m.mu is held.
func (f *fate) answered() {
	f.long = time.Since(f.arrived) >= 2*time.Second
	f.attemptsThen, f.crashesThen = f.attempts, f.crashes
}

// process is one life of the plugin's process.
type process struct {
	up    chan struct{} // closed while it can take calls
	ended chan struct{}
	crash bool // ended by itself
}

func newModel(t *testing.T, rnd *rand.Rand, w *world) *model {
	m := &model{t: t, rnd: rnd, world: w, events: map[string]*fate{}, flying: map[string]string{}, newest: map[string]int{}}
	m.process = &process{up: make(chan struct{}), ended: make(chan struct{})}
	m.trace.begun = time.Now()
	close(m.process.up)
	w.promise = m.promised
	return m
}

// processEnds ends the process and starts the next one some time later; m.mu is held.
func (m *model) processEnds(crash bool, rnd *rand.Rand) {
	select {
	case <-m.process.up:
	default:
		return
	}
	m.process.crash = crash
	close(m.process.ended)
	p := &process{up: make(chan struct{}), ended: make(chan struct{})}
	m.process = p
	time.AfterFunc(time.Duration(rnd.IntN(20000))*time.Millisecond, func() { close(p.up) })
}

func (m *model) append(lane int) {
	rnd := m.rnd
	m.named++
	e := &buffer.Event{ID: fmt.Sprintf("e%04d", m.named), VehicleID: fmt.Sprintf("v%d", lane), Type: "VEHICLE_STATE"}
	f := &fate{wanted: true, history: []state{{phase: buffer.PhasePending}}}
	switch rnd.IntN(12) {
	case 0:
		e.Mode, f.wanted = "TEST", false // not wanted by When
	case 1:
		e.Type, f.wanted = "OTHER", false // not wanted by the handler
	case 2, 3, 4:
		f.recorded = 1 + rnd.IntN(50)
		e.Body = stateOf(fmt.Sprintf("soc %d", f.recorded))
		if rnd.IntN(5) == 0 { // a clock that is ahead
			f.recorded, e.Body, e.ReceivedAt = 0, stateOf("soc "+ahead), time.Now()
		}
	case 5:
		f.poison = rnd.IntN(4) == 0
	case 6, 7:
		e.Body = bytes.Repeat([]byte(" "), rnd.IntN(2000))
	}
	m.mu.Lock()
	m.order = append(m.order, f)
	m.events[e.ID] = f
	f.e = *e
	f.e.Position = uint64(len(m.order))
	m.mu.Unlock()
	r, err := m.world.store.Append(context.Background(), e)
	if err != nil {
		m.t.Fatalf("append: %v", err)
	}
	m.mu.Lock()
	if r.Position != f.e.Position {
		m.t.Errorf("%s got position %d, want %d", e.ID, r.Position, f.e.Position)
	}
	m.appended = len(m.order)
	m.mu.Unlock()
}

// promise is what was said to be durable at one moment.
type promise struct {
	appended int   // events
	acked    []int // index into each one's history
	begun    []int // of the last state that may be durable
}

// promised returns what is now.
func (m *model) promised() *promise {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &promise{appended: m.appended}
	for _, f := range m.order {
		p.acked = append(p.acked, f.acked)
		p.begun = append(p.begun, len(f.history)-1)
	}
	return p
}

// resync holds what the store has after a restart against what was promised, and goes
// on from there. No dispatcher runs.
func (m *model) resync(p *promise) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, store := context.Background(), m.world.store
	letters := map[string]bool{}
	for l, err := range store.DeadLetters(ctx, "") {
		if err != nil {
			m.t.Errorf("dead letters: %v", err)
		}
		letters[l.Event.ID] = true
	}
	m.say("", "restart, order %s", m.cfg.Order)
	kept := m.order[:0]
	m.newest = map[string]int{}
	for i, f := range m.order {
		position, err := store.Lookup(ctx, f.e.Source, f.e.ID)
		if err != nil || position != f.e.Position {
			if i < p.appended {
				m.t.Errorf("%s was stored and is lost: %v", f.e.ID, err)
			}
			delete(m.events, f.e.ID)
			continue
		}
		kept = append(kept, f)
		s, ok := stateFor(m, f.e.Position)
		if !ok {
			continue
		}
		from, to := 0, 0
		if i < len(p.acked) {
			from, to = p.acked[i], p.begun[i]
		}
		m.settleOn(f, s, letters[f.e.ID], f.history[from:to+1])
	}
	m.order = kept
	m.appended = len(kept)
}

// stateFor asks the store where an event stands.
func stateFor(m *model, position uint64) (buffer.State, bool) {
	states, err := m.world.store.States(context.Background(), position)
	if err != nil {
		m.t.Errorf("states of %d: %v", position, err)
		return buffer.State{}, false
	}
	for _, s := range states {
		if s.Consumer == "model" {
			return s, true
		}
	}
	m.t.Errorf("event %d has no state", position)
	return buffer.State{}, false
}

// settleOn takes the store's state for the event's, if it is one of those allowed.
func (m *model) settleOn(f *fate, s buffer.State, letter bool, allowed []state) {
	for _, a := range allowed {
		switch {
		case a.phase != s.Phase:
		case s.Phase == buffer.PhaseSettled && (a.verb == buffer.Dead) != letter:
		case s.Phase == buffer.PhaseDeferred && !a.is(s.Retry):
		default:
			m.say(f.e.ID, "is %s %+v after a restart", s.Phase, s.Retry)
			f.history, f.acked = []state{a}, 0
			f.final = a.phase == buffer.PhaseSettled
			f.attempts, f.crashes, f.replay = s.Retry.Attempts, s.Retry.Crashes, s.Retry.Replay != ""
			f.notBefore, f.lastAt, f.after = s.Retry.NotBefore, s.Retry.LastAt, 0
			f.failing, f.failedAt = s.Retry.Failing, time.Time{}
			if a.merged {
				m.newest[f.e.VehicleID] = max(m.newest[f.e.VehicleID], f.recorded)
			}
			m.checkStored(f)
			return
		}
	}
	m.t.Errorf("%s is %s %+v (letter: %t) after a restart, want one of %v", f.e.ID, s.Phase, s.Retry, letter, allowed)
}

func (s state) is(r buffer.Retry) bool {
	return s.attempts == r.Attempts && s.crashes == r.Crashes && s.replay == (r.Replay != "")
}

// checkStored wants an event that is open to be there.
func (m *model) checkStored(f *fate) {
	if _, err := m.world.store.Event(context.Background(), f.e.Position); err != nil && !f.final &&
		(!errors.Is(err, buffer.ErrNotFound) || !f.replay) { // its letter's copy serves
		m.t.Errorf("%s is open and cannot be read: %v", f.e.ID, err)
	}
}

// fails counts a failed attempt; m.mu is held.
func (m *model) fails(f *fate, after time.Duration) {
	now := time.Now()
	switch {
	case f.attempts == 0:
		f.failing = 0
	case f.failedAt.IsZero():
		f.failing += now.Sub(m.begun)
	default:
		f.failing += now.Sub(f.failedAt)
	}
	f.failedAt = now
	f.attempts++
	f.after = after
	park := m.cfg.ParkAfter
	switch {
	case f.attempts >= m.cfg.Retry.MaxAttempts, park.Attempts > 0 && f.attempts >= park.Attempts:
		f.final, f.reason = true, buffer.ReasonExhausted
	case park.Age > 0 && f.failing >= park.Age:
		f.final, f.reason = true, buffer.ReasonExpired
	}
}

// stale reports whether the model takes the event's signal for stale; m.mu is held.
func (m *model) stale(f *fate) bool {
	if m.cfg.Stale != freshness.Mark && m.cfg.Stale != freshness.Drop || f.recorded == 0 {
		return false
	}
	newest := m.newest[f.e.VehicleID]
	return f.recorded < newest || f.recorded == newest && !f.replay
}
