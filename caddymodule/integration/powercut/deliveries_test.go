package powercut_test

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// maxCrashes is how often a handler's process may end with an event in flight.
const maxCrashes = 3

// arrive takes a call of a handler, and reports whether it counts: not in a life that is over.
func (l *ledger) arrive(p *process, batch []dispatch.Delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.life != l.life {
		return false
	}
	l.figures.batches++
	if len(batch) > p.MaxBatch() || len(batch) > p.def.Batch.MaxEvents {
		l.complain(other, nil, "%s gets a batch of %d, its definition says %d", p.handler, len(batch), p.def.Batch.MaxEvents)
	}
	for i := range batch {
		e := l.byID[batch[i].Event.ID]
		if e == nil {
			l.complain(other, nil, "%s gets an event that nobody sent: %q", p.handler, batch[i].Event.ID)
			continue
		}
		l.arrives(p, e, &batch[i])
	}
	return true
}

// arrives holds one delivery against what is known; mu is held.
func (l *ledger) arrives(p *process, e *event, d *dispatch.Delivery) {
	s, now := e.standings[p.handler], time.Now()
	l.say(e.ID, "%s gets it, attempt %d", p.handler, d.Attempt)
	l.figures.deliveries++
	switch {
	case !e.same(d.Event):
		l.complain(other, e, "comes to %s with another envelope or body", p.handler)
	case e.position != 0 && e.position != d.Event.Position:
		l.complain(repeated, e, "is stored twice, at %d and at %d", e.position, d.Event.Position)
	case !e.wanted():
		l.complain(other, e, "comes to %s, which does not want it", p.handler)
	case l.paused[p.handler].is:
		l.complain(forgotten, e, "comes to %s, which is paused", p.handler)
	case s.last().phase == buffer.PhaseSettled, s.final != open, s.flying:
		l.complain(repeated, e, "comes to %s again: %v, final %d, with it just now %t", p.handler, s.states, s.final, s.flying)
	case now.Before(s.last().notBefore) && !s.last().lastAt.Before(l.resumed[p.handler]):
		l.complain(forgotten, e, "comes to %s %s before it is due", p.handler, s.last().notBefore.Sub(now))
	case d.Attempt != s.attempts+1:
		l.complain(forgotten, e, "comes to %s as attempt %d after %d failures", p.handler, d.Attempt, s.attempts)
	case d.Replay != s.replay:
		l.complain(other, e, "comes to %s, replay %t, want %t", p.handler, d.Replay, s.replay)
	}
	l.place(e, d.Event.Position)
	if s.excused {
		l.figures.inFlight++
	}
	if s.replay {
		l.figures.replayed++
	}
	s.excused, s.flying, s.arrived = false, true, now
	s.delivered++
	if p.def.Order == handlersfile.OrderVehicle {
		l.inOrder(p, e, s)
	}
}

// inOrder wants that no earlier event of the lane is open, and none is with the handler.
// Events that were reopened are not looked at: they go when they can.
func (l *ledger) inOrder(p *process, e *event, s *standing) {
	lane := p.handler + " " + e.Lane()
	if f := l.flying[lane]; f != nil && f != e {
		l.complain(disordered, e, "comes to %s while %s of the same vehicle is there", p.handler, f.ID)
	}
	l.flying[lane] = e
	for _, o := range l.lanes[e.Lane()] {
		if o.position == 0 || o.position >= e.position || !o.wanted() {
			continue
		}
		if os := o.standings[p.handler]; os.final == open && !os.replay {
			l.complain(disordered, e, "comes to %s before %s, which is earlier and open:%s", p.handler, o.ID, l.tell(o.ID, e.ID))
		}
	}
	if s.replay {
		return
	}
	if e.position < p.high[lane] {
		l.complain(disordered, e, "at %d comes to %s after %d of the same vehicle", e.position, p.handler, p.high[lane])
	}
	p.high[lane] = max(p.high[lane], e.position)
}

// leave ends a call.
func (l *ledger) leave(p *process, batch []dispatch.Delivery) {
	l.each(p, batch, func(e *event, s *standing) {
		s.flying = false
		if lane := p.handler + " " + e.Lane(); l.flying[lane] == e {
			delete(l.flying, lane)
		}
	})
}

// each does something for each event of a call, if the call still counts.
func (l *ledger) each(p *process, batch []dispatch.Delivery, do func(*event, *standing)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.life != l.life {
		return
	}
	for i := range batch {
		if e := l.byID[batch[i].Event.ID]; e != nil {
			do(e, e.standings[p.handler])
		}
	}
}

// answer notes that there is an answer, which is not durable yet.
func (s *standing) answer(to verdict) {
	s.final, s.unsaved = to, time.Now()
	s.attemptsThen, s.crashesThen = s.attempts, s.crashes
}

// fails counts a failed attempt.
func (s *standing) fails(def *handlersfile.Definition) {
	s.answer(open)
	s.attempts++
	if park := def.ParkAfter.Attempts; s.attempts >= def.Retry.MaxAttempts || park > 0 && s.attempts >= park {
		s.final = dead
	}
}

// crashes counts the end of the handler's process with the event in flight.
func (s *standing) crashed() {
	s.answer(open)
	if s.crashes++; s.crashes >= maxCrashes {
		s.final = dead
	}
}
