package powercut_test

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// leased notes where events are that a handler may get from now on.
func (l *ledger) leased(life int, leases []buffer.Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life != l.life {
		return
	}
	for i := range leases {
		stored := &leases[i].Event
		e := l.byID[stored.ID]
		if e == nil {
			l.complain(other, nil, "an event is leased that nobody sent: %q", stored.ID)
			continue
		}
		l.place(e, stored.Position)
	}
}

// begins notes that outcomes may be durable from now on.
func (l *ledger) begins(life int, handler string, outcomes []buffer.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life != l.life {
		return
	}
	for i := range outcomes {
		if e := l.at[outcomes[i].Position]; e != nil && outcomes[i].Verb != buffer.PutMemo {
			l.beginsOne(e, handler, &outcomes[i])
		}
	}
}

func (l *ledger) beginsOne(e *event, handler string, o *buffer.Outcome) {
	s := e.standings[handler]
	settled := s.last().phase == buffer.PhaseSettled
	if settled != (o.Verb == buffer.Reopen) {
		return // a repeated call, or nothing to reopen: it changes nothing
	}
	l.say(e.ID, "%s: verb %d begins, attempts %d", handler, o.Verb, o.Retry.Attempts)
	next := state{phase: buffer.PhaseSettled, verb: o.Verb}
	switch o.Verb {
	case buffer.Reopen:
		next = state{phase: buffer.PhaseDeferred, replay: true}
		s.final, s.attempts, s.crashes, s.replay = open, 0, 0, true
	case buffer.Defer:
		next = deferredAs(o.Retry)
		before := s.flying || time.Since(s.arrived) >= 2*time.Second // deferred while it was with the handler
		is, was := o.Retry.Attempts == s.attempts && o.Retry.Crashes == s.crashes, o.Retry.Attempts == s.attemptsThen && o.Retry.Crashes == s.crashesThen
		if !is && (!before || !was) {
			l.complain(forgotten, e, "is deferred for %s with %d attempts and %d crashes, want %d and %d", handler, o.Retry.Attempts, o.Retry.Crashes, s.attempts, s.crashes)
		}
	case buffer.Done:
		if s.final != done {
			l.complain(lost, e, "is settled as done, which %s has not said", handler)
		}
	case buffer.Skip:
		if e.wanted() {
			l.complain(lost, e, "is skipped, and %s wants it", handler)
		}
	case buffer.Dead:
		if s.final != dead {
			l.complain(lost, e, "becomes a dead letter, %s, for which %s gave no reason", o.Reason, handler)
		}
	}
	s.letter = s.letter || o.Verb == buffer.Dead
	if next != s.last() {
		s.states = append(s.states, next)
	}
}

func deferredAs(r buffer.Retry) state {
	return state{phase: buffer.PhaseDeferred, attempts: r.Attempts, crashes: r.Crashes, notBefore: r.NotBefore.Round(0), lastAt: r.LastAt, replay: r.Replay != ""}
}

// durable notes that outcomes are durable. Those that the store has ignored, reopenings of
// what was trimmed, are named.
func (l *ledger) durable(life int, handler string, outcomes []buffer.Outcome, ignored map[uint64]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life != l.life {
		return
	}
	for i := range outcomes {
		o := &outcomes[i]
		e := l.at[o.Position]
		if e == nil || o.Verb == buffer.PutMemo {
			continue
		}
		s := e.standings[handler]
		if ignored[o.Position] && len(s.states) > 1 {
			s.states = s.states[:len(s.states)-1]
			s.final = s.last().verdict()
		}
		s.states = s.states[len(s.states)-1:]
		a := s.states[0]
		l.say(e.ID, "%s: %v is durable", handler, a)
		if a.phase == buffer.PhaseSettled || a.phase == buffer.PhaseDeferred && a.attempts == s.attempts && a.crashes == s.crashes {
			s.unsaved = time.Time{}
		}
		if o.Verb == buffer.Dead {
			l.figures.deadLetters++
		}
	}
}

func (s state) verdict() verdict {
	switch {
	case s.phase != buffer.PhaseSettled:
		return open
	case s.verb == buffer.Dead:
		return dead
	}
	return done
}
