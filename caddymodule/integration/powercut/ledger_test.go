package powercut_test

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// event is one webhook, from the sender's side.
type event struct {
	buffer.Event // as it is sent, and never changed
	// position in the store, 0 while it is not known.
	position uint64
	// acked: an Append returned nil, so the sender got its 200.
	acked bool
	// first: an answer said that it was new, or a start found it.
	first bool
	// standings say how far each handler is with it.
	standings map[string]*standing
}

// state is what the store may have of one event for one handler.
type state struct {
	phase             buffer.Phase
	verb              buffer.Verb // when settled
	attempts, crashes int         // when deferred
	notBefore, lastAt time.Time
	replay            bool
}

func (s state) String() string {
	if s.phase == buffer.PhaseDeferred {
		return fmt.Sprintf("deferred attempts=%d crashes=%d replay=%t until %s", s.attempts, s.crashes, s.replay, s.notBefore.Format("05.000"))
	}
	return fmt.Sprintf("%s verb=%d", s.phase, s.verb)
}

// verdict is an answer for good.
type verdict int

const (
	open verdict = iota
	done
	dead
)

// standing is what the ledger knows of one event and one handler.
type standing struct {
	// states: the first is durable, any of the others may be, too.
	states []state
	// final is the last answer of this life, or what was durable when it began.
	final verdict
	// unsaved is since when there is an answer that is not durable; zero: there is none.
	unsaved time.Time
	// attempts and crashes are counted; those before the last answer are beside them, for
	// an event may be deferred while it is with the handler.
	attempts, crashes         int
	attemptsThen, crashesThen int
	replay                    bool
	// flying: it is with the handler.
	flying  bool
	arrived time.Time
	// done: the handler said so in a life, before its end.
	done bool
	// letter: it was a dead letter in some life. A replay of events leaves that where it is.
	letter bool
	// excused: it was in flight when a life ended, so it may come once more.
	excused   bool
	delivered int
}

func (s *standing) last() state { return s.states[len(s.states)-1] }

func newStanding() *standing {
	return &standing{states: []state{{phase: buffer.PhasePending}}}
}

// ledger knows what the outside world was told: every 200, every delivery and its answer,
// every outcome that was said to be durable. A life is the time between two starts of the
// program; what comes from one that is over does not count.
type ledger struct {
	mu       sync.Mutex
	life     int
	handlers []string
	events   []*event
	byID     map[string]*event
	at       map[uint64]*event // by position, as far as it is known
	lanes    map[string][]*event
	flying   map[string]*event // handler and lane → the event that is there
	created  map[string]bool   // handlers whose consumer is there for sure
	paused   map[string]pause
	resumed  map[string]time.Time // when a handler was last resumed, in this life
	jobs     map[string]bool      // replays that were said to be durable
	wrong    []fault
	trace    trace
	figures  figures
}

// pause is what is known of a handler's pause: what is durable, and what may be.
type pause struct{ is, maybe bool }

// fault is a promise that was broken.
type fault struct {
	kind   kind
	text   string
	events []string
}

// kind says which promise.
type kind string

const (
	lost       kind = "lost"
	disordered kind = "out of order"
	repeated   kind = "repeated beyond what was in flight"
	forgotten  kind = "progress forgotten"
	other      kind = "other"
)

func newLedger(handlers ...string) *ledger {
	return &ledger{
		handlers: handlers, byID: map[string]*event{}, at: map[uint64]*event{}, lanes: map[string][]*event{},
		flying: map[string]*event{}, created: map[string]bool{}, paused: map[string]pause{}, resumed: map[string]time.Time{}, jobs: map[string]bool{},
		trace: trace{begun: time.Now()}, figures: newFigures(),
	}
}

// complain notes a broken promise; mu is held.
func (l *ledger) complain(k kind, e *event, format string, args ...any) {
	f := fault{kind: k, text: fmt.Sprintf(format, args...)}
	if e != nil {
		f.events = []string{e.ID}
		f.text = e.ID + " " + f.text
	}
	l.figures.faults[k]++
	l.wrong = append(l.wrong, f)
}

// broken reports whether any promise was.
func (l *ledger) broken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.wrong) > 0
}

// write takes up an event that is about to be sent for the first time.
func (l *ledger) write(e *event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.standings = map[string]*standing{}
	for _, h := range l.handlers {
		e.standings[h] = newStanding()
	}
	l.events = append(l.events, e)
	l.byID[e.ID] = e
	lane := e.Lane()
	l.lanes[lane] = append(l.lanes[lane], e)
}

// wanted reports whether handlers are to have the event.
func (e *event) wanted() bool {
	return e.Mode != unwantedMode && e.Type != unwantedType && e.Unreadable == ""
}

// What handlers do not want: by their definition, and by themselves.
const (
	unwantedMode = "TEST"
	unwantedType = "OTHER"
)

// answered takes what an Append in a life returned.
func (l *ledger) answered(life int, e *event, r buffer.Receipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life != l.life {
		return
	}
	l.say(e.ID, "append: %+v", r)
	switch {
	case r.Differs:
		l.complain(other, e, "differs from itself")
	case e.position != 0 && r.Position != e.position:
		l.complain(repeated, e, "is stored twice, at %d and at %d", e.position, r.Position)
	case e.first && !r.Duplicate:
		l.complain(repeated, e, "is stored anew although it was stored before")
	}
	e.first = e.first || !r.Duplicate
	l.figures.answers++
	if !e.acked {
		l.figures.acknowledged++
	}
	e.acked = true
	l.place(e, r.Position)
}

// place notes an event's position; mu is held.
func (l *ledger) place(e *event, position uint64) {
	if other := l.at[position]; other != nil && other != e {
		l.complain(lost, e, "has the position of %s, %d", other.ID, position)
	}
	e.position = position
	l.at[position] = e
}

// same reports whether the store's event is the one that was sent.
func (e *event) same(stored *buffer.Event) bool {
	return e.ID == stored.ID && e.VehicleID == stored.VehicleID && e.Type == stored.Type && e.Mode == stored.Mode &&
		e.Signature == stored.Signature && bytes.Equal(e.Body, stored.Body)
}

// late is how long the outcome of an answer may take to be durable, in the time of a
// history, where a disk takes none and each Settle up to 30 ms.
const late = 200 * time.Millisecond

// powerGoes ends a life at an instant: it takes the image while nothing can be noted.
func (l *ledger) powerGoes(where string, percent int, take func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	take()
	l.figures.cuts[where]++
	l.say("", "the power goes at %q, %d%% of what is not synced stays", where, percent)
	l.ends(late)
}

// stopped ends a life that was told to end, and did.
func (l *ledger) stopped() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.figures.restarts++
	l.say("", "stopped")
	l.ends(0)
}

// ends ends a life; mu is held. Whatever was answered longer ago than patience must be
// durable.
func (l *ledger) ends(patience time.Duration) {
	l.life++
	clear(l.resumed) // a resume is not stored
	clear(l.flying)
	for _, e := range l.events {
		for h, s := range e.standings {
			s.excused = s.excused || s.flying || !s.unsaved.IsZero()
			if !s.unsaved.IsZero() && time.Since(s.unsaved) > patience {
				l.complain(forgotten, e, "was answered by %s %s before the end, which is not durable: %v", h, time.Since(s.unsaved), s.states)
			}
			s.flying, s.unsaved = false, time.Time{}
		}
	}
}

// current returns the number of the life.
func (l *ledger) current() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.life
}

// open counts events that are not durably settled by a handler that wants them.
func (l *ledger) open() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.position == 0 || e.Unreadable != "" {
			continue
		}
		for _, s := range e.standings {
			if s.states[0].phase != buffer.PhaseSettled || len(s.states) > 1 {
				n++
			}
		}
	}
	return n
}
