package powercut_test

import (
	"context"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// applied notes that definitions are in force: from now on their handlers have positions,
// and the replays that were begun are there.
func (l *ledger) applied(ctx context.Context, life int, defs []handlersfile.Definition, e *engine.Engine) {
	there := map[string]bool{}
	jobs, err := e.Replays(ctx)
	for _, j := range jobs {
		there[j.ID] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if life != l.life {
		return
	}
	for _, def := range defs {
		l.created[def.Name] = true
	}
	for id := range l.jobs {
		if len(defs) == len(l.handlers) && !there[id] {
			l.complain(forgotten, nil, "the replay %s is gone (%v)", id, err)
		}
	}
}

func (l *ledger) reloaded(refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.say("", "a reload; refused: %t", refused)
	l.figures.reloads++
	if refused {
		l.figures.refusals++
	}
}

// pauses notes that a handler may be paused from now on, or not any more.
func (l *ledger) pauses(life int, handler string, paused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life != l.life {
		return
	}
	p := l.paused[handler]
	p.maybe = paused
	if !paused {
		p.is = false
		p.maybe = l.paused[handler].is || l.paused[handler].maybe
		l.resumed[handler] = time.Now() // what failed before is due
	}
	l.paused[handler] = p
}

// isPaused notes that it is.
func (l *ledger) isPaused(life int, handler string, paused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life == l.life {
		l.paused[handler] = pause{paused, paused}
		l.say("", "%s is paused: %t", handler, paused)
	}
}

// began notes replays that are durable.
func (l *ledger) began(life int, jobs []replay.Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life != l.life {
		return
	}
	for _, j := range jobs {
		l.jobs[j.ID] = true
		l.say("", "a replay of %s begins for %s", j.Kind, j.Handler)
	}
}

// refused notes that an append failed which should not have.
func (l *ledger) refused(life int, e *event, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life == l.life {
		l.complain(other, e, "is not taken: %v", err)
	}
}

// doesNotStart notes that nothing can be had of the store.
func (l *ledger) doesNotStart(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.complain(lost, nil, "the program does not start: %v", err)
}

func (l *ledger) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.say("", format, args...)
}

// unsettled says what is open although there was time enough.
func (l *ledger) unsettled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		for h, s := range e.standings {
			if e.position > 0 && e.Unreadable == "" && (s.states[0].phase != buffer.PhaseSettled || len(s.states) > 1) {
				l.complain(lost, e, "is never settled by %s: %v, delivered %d times", h, s.states, s.delivered)
			}
		}
	}
	if len(l.wrong) == 0 {
		l.complain(other, nil, "replays never end")
	}
}

// finish looks at the end whether each event that was acknowledged is where it has to be:
// with each handler that wants it, or among its dead letters.
func (l *ledger) finish(s *snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if !e.acked || !e.wanted() {
			continue
		}
		for h, standing := range e.standings {
			if letter := s.letters[e.position][h]; !standing.done && !letter {
				l.complain(lost, e, "was acknowledged; %s never finished it, and has no dead letter of it", h)
			}
		}
	}
	l.figures.sent = len(l.events)
}

// report tells what is wrong, with all that happened to the first event concerned.
func (l *ledger) report(t *testing.T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.wrong {
		if i == 5 {
			t.Errorf("and %d more", len(l.wrong)-i)
			break
		}
		t.Errorf("%s: %s", f.kind, f.text)
	}
	if len(l.wrong) > 0 {
		t.Logf("after %s:%s", time.Since(l.trace.begun), l.tell(l.wrong[0].events...))
	}
}
