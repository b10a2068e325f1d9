package buffertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// memo is one of few keys, so that they are written over, or a removal.
func (m *model) memo() *buffer.Memo {
	key := fmt.Sprint("key", m.rng.IntN(4))
	if m.rng.IntN(5) == 0 {
		return &buffer.Memo{Key: key}
	}
	return memo(key, fmt.Sprint(m.rng.Uint64()))
}

func (c *modelConsumer) note(memo *buffer.Memo) {
	switch {
	case memo == nil:
	case memo.Value == nil:
		delete(c.memos, memo.Key)
	default:
		c.memos[memo.Key] = string(memo.Value)
	}
}

// isSettled: what was before the consumer's start counts as settled.
func (c *modelConsumer) isSettled(p uint64) bool {
	_, deferred := c.deferred[p]
	return !deferred && (p <= c.start || c.settled[p])
}

// reopenEvents reopens events at random, whatever their state, also several times.
func (m *model) reopenEvents() {
	c := m.pick()
	var outcomes []buffer.Outcome
	for range m.rng.IntN(6) {
		p := uint64(m.rng.IntN(len(m.events) + 2))
		o := buffer.Outcome{Position: p, Verb: buffer.Reopen, Lane: fmt.Sprint(m.rng.IntN(3)), Retry: retryOf(m.rng.IntN(60))}
		if m.rng.IntN(3) == 0 {
			o.Memo = m.memo()
		}
		outcomes = append(outcomes, o)
	}
	m.f.settle(c.open, outcomes...)
	for _, o := range outcomes {
		p := o.Position
		if p == 0 || p > uint64(len(m.events)) || m.events[p-1] == "" || !c.isSettled(p) {
			continue
		}
		c.note(o.Memo)
		c.deferred[p] = o
	}
}

// reopenLetter reopens the event of a dead letter, which goes unless the event is open.
func (m *model) reopenLetter() {
	c := m.pick()
	letters := m.f.letters()
	m.checkLetters()
	for i, l := range letters {
		if l.Handler != c.name || m.rng.IntN(2) == 0 {
			continue
		}
		o := buffer.Outcome{Position: l.Event.Position, Verb: buffer.Reopen, Letter: l.ID, Lane: fmt.Sprint(m.rng.IntN(3)), Retry: retryOf(m.rng.IntN(60))}
		m.f.settle(c.open, o)
		if c.isSettled(o.Position) {
			c.deferred[o.Position] = o
			m.dead = slices.Delete(m.dead, i, i+1)
		}
		return
	}
}

func (m *model) dropLetter() {
	letters := m.f.letters()
	if len(letters) == 0 {
		return
	}
	i := m.rng.IntN(len(letters))
	n, err := m.f.DropDeadLetters(m.f.ctx, letters[i].ID)
	if err != nil || n != 1 {
		m.f.t.Fatalf("dropped %d, %v; want 1", n, err)
	}
	m.dead = slices.Delete(m.dead, i, i+1)
}

func (m *model) pauseConsumer() {
	c, pause := m.pick(), m.rng.IntN(2) == 0
	if err := m.f.PauseConsumer(m.f.ctx, c.name, pause); err != nil {
		m.f.t.Fatal(err)
	}
	switch {
	case !pause:
		c.paused = time.Time{}
	case c.paused.IsZero():
		c.paused = m.f.clock.Now()
	}
}

func (m *model) keepConsumers() {
	var keep []string
	for name, c := range m.hands {
		switch {
		case m.rng.IntN(2) == 0:
			keep = append(keep, name)
			c.orphaned = time.Time{}
		case c.orphaned.IsZero():
			c.orphaned = m.f.clock.Now()
		}
	}
	if err := m.f.KeepConsumers(m.f.ctx, keep...); err != nil {
		m.f.t.Fatal(err)
	}
}

func (m *model) forgetConsumer() {
	c := m.pick()
	if err := c.open.Close(); err != nil {
		m.f.t.Fatal(err)
	}
	if err := m.f.ForgetConsumer(m.f.ctx, c.name); err != nil {
		m.f.t.Fatal(err)
	}
	delete(m.hands, c.name)
}
