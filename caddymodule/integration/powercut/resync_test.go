package powercut_test

import (
	"context"
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// snapshot is what a store has, read before any handler gets something from it.
type snapshot struct {
	ids       map[string]uint64   // as Lookup says
	found     map[string][]uint64 // as Events says
	changed   map[string]bool     // not as it was sent
	states    map[uint64]map[string]buffer.State
	letters   map[uint64]map[string]bool
	consumers map[string]buffer.ConsumerInfo
	stats     buffer.Stats
	err       error
}

// look reads a store. It does not hold the ledger: the power may go meanwhile.
func (l *ledger) look(ctx context.Context, b buffer.Buffer) *snapshot {
	s := &snapshot{
		ids: map[string]uint64{}, found: map[string][]uint64{}, changed: map[string]bool{}, states: map[uint64]map[string]buffer.State{},
		letters: map[uint64]map[string]bool{}, consumers: map[string]buffer.ConsumerInfo{},
	}
	note := func(err error) { s.err = errors.Join(s.err, err) }
	for e, err := range b.Events(ctx, buffer.Range{}) {
		note(err)
		s.found[e.ID] = append(s.found[e.ID], e.Position)
		s.changed[e.ID] = l.byID[e.ID] == nil || !l.byID[e.ID].same(&e)
	}
	for d, err := range b.DeadLetters(ctx, "") {
		note(err)
		if s.letters[d.Event.Position] == nil {
			s.letters[d.Event.Position] = map[string]bool{}
		}
		s.letters[d.Event.Position][d.Handler] = true
		s.changed[d.Event.ID] = s.changed[d.Event.ID] || l.byID[d.Event.ID] == nil || !l.byID[d.Event.ID].same(&d.Event)
	}
	for _, e := range l.events {
		position, err := b.Lookup(ctx, e.Source, e.ID)
		if errors.Is(err, buffer.ErrNotFound) {
			continue
		}
		note(err)
		s.ids[e.ID] = position
		states, err := b.States(ctx, position)
		note(err)
		s.states[position] = map[string]buffer.State{}
		for _, st := range states {
			s.states[position][st.Consumer] = st
		}
	}
	infos, err := b.Consumers(ctx)
	note(err)
	for _, info := range infos {
		s.consumers[info.Name] = info
	}
	s.stats = b.Stats()
	return s
}

// resync holds what a store has at the start of a life against what was promised in those
// before, and goes on from there.
func (l *ledger) resync(life int, s *snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life != l.life {
		return
	}
	l.say("", "start")
	if s.err != nil || s.stats.Corrupt > 0 {
		l.complain(lost, nil, "something cannot be read: %v, %d corrupt", s.err, s.stats.Corrupt)
	}
	clear(l.at)
	for _, e := range l.events {
		l.resyncEvent(e, s)
	}
	for h := range l.created {
		if _, there := s.consumers[h]; !there {
			l.complain(forgotten, nil, "the position of %s is gone", h)
		}
	}
	for h, p := range l.paused {
		is := !s.consumers[h].PausedSince.IsZero()
		if is != p.is && is != p.maybe {
			l.complain(forgotten, nil, "%s is paused: %t, want %t or %t", h, is, p.is, p.maybe)
		}
		l.paused[h] = pause{is, is}
	}
}

func (l *ledger) resyncEvent(e *event, s *snapshot) {
	position, known := s.ids[e.ID]
	switch found := s.found[e.ID]; {
	case s.changed[e.ID]:
		l.complain(lost, e, "is not what was sent")
	case len(found) > 1:
		l.complain(repeated, e, "is stored twice, at %v", found)
	case len(found) == 1 && found[0] != position:
		l.complain(forgotten, e, "is stored at %d, and by its id at %d", found[0], position)
	case !known && (e.acked || e.delivered()):
		l.complain(lost, e, "was stored at %d, and is gone; delivered %t", e.position, e.delivered())
	case known && e.acked && position != e.position:
		l.complain(lost, e, "was stored at %d, and is at %d", e.position, position)
	}
	e.position = position
	e.first = known
	if !known {
		e.acked = false
		for h := range e.standings {
			e.standings[h] = newStanding()
		}
		return
	}
	l.place(e, position)
	if e.Unreadable != "" {
		if !s.letters[position][""] {
			l.complain(lost, e, "cannot be read, and its dead letter is gone")
		}
		return
	}
	for h, standing := range e.standings {
		stored, there := s.states[position][h]
		if !there {
			if l.created[h] {
				l.complain(forgotten, e, "has no state for %s", h)
			}
			stored.Phase = buffer.PhasePending
		}
		l.resyncStanding(e, h, standing, stored, s.letters[position][h])
		if stored.Phase != buffer.PhaseSettled && !standing.replay && len(s.found[e.ID]) == 0 {
			l.complain(lost, e, "is open for %s, and gone", h)
		}
	}
}

// delivered reports whether any handler has had it.
func (e *event) delivered() bool {
	for _, s := range e.standings {
		if s.delivered > 0 {
			return true
		}
	}
	return false
}

// resyncStanding takes the store's state for the event's, if it is one of those that may be.
func (l *ledger) resyncStanding(e *event, h string, s *standing, stored buffer.State, letter bool) {
	is := state{phase: stored.Phase}
	switch {
	case stored.Phase == buffer.PhaseDeferred:
		is = deferredAs(stored.Retry)
	case stored.Phase == buffer.PhaseSettled && letter:
		is.verb = buffer.Dead
	}
	match := false
	for _, a := range s.states {
		if a.is(is, s.letter) {
			is, match = a, true
			break
		}
	}
	if !match {
		l.complain(forgotten, e, "is %v for %s at the start, want one of %v", is, h, s.states)
	}
	s.states, s.final = []state{is}, is.verdict()
	s.attempts, s.crashes, s.replay = is.attempts, is.crashes, is.replay
	s.attemptsThen, s.crashesThen = s.attempts, s.crashes
	s.excused = s.excused && is.phase != buffer.PhaseSettled
}

// is reports whether a state may be what the store says: it does not tell done from skipped, and
// a letter may be an old one.
func (a state) is(stored state, old bool) bool {
	if a.phase == buffer.PhaseSettled {
		return stored.phase == a.phase && ((a.verb == buffer.Dead) == (stored.verb == buffer.Dead) || old && stored.verb == buffer.Dead)
	}
	return a.phase == stored.phase && a.attempts == stored.attempts && a.crashes == stored.crashes &&
		a.replay == stored.replay && a.notBefore.Equal(stored.notBefore)
}
