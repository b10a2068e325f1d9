package buffertest

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// check compares all that can be seen with the model.
func (m *model) check() {
	m.checkLetters()
	f := m.f
	s := f.Stats()
	if s.Last != uint64(len(m.events)) || s.DeadLetters != uint64(len(m.dead)) || s.Halted != nil || s.Corrupt != 0 {
		f.t.Fatalf("got stats %+v with %d events and %d dead letters", s, len(m.events), len(m.dead))
	}
	infos := f.consumers()
	if len(infos) != len(m.hands) {
		f.t.Fatalf("there are %d consumers, want %d", len(infos), len(m.hands))
	}
	for name, c := range m.hands {
		info := infos[name]
		if !info.PausedSince.Equal(c.paused) || !info.OrphanedSince.Equal(c.orphaned) || info.Open != (c.open != nil) {
			f.t.Fatalf("consumer %s is %+v, want paused since %s, orphaned since %s", name, info, c.paused, c.orphaned)
		}
		if info.Deferred != uint64(len(c.deferred)) || info.Leased != len(c.leased) {
			f.t.Fatalf("got consumer stats %+v with %d deferred and %d leased", info, len(c.deferred), len(c.leased))
		}
		if open := len(m.fresh(c)) + len(c.leased) + len(c.deferred); info.Oldest.IsZero() != (open == 0) {
			f.t.Fatalf("consumer %s has %d open events, the oldest of %s", name, open, info.Oldest)
		}
		if c.open != nil {
			m.checkConsumer(c)
		}
	}
	m.checkStates()
}

func (m *model) checkLetters() {
	var dead []deadKey
	for _, d := range m.f.letters() {
		dead = append(dead, deadKey{d.Handler, d.Event.Position})
	}
	m.f.equal("dead letters", m.dead, dead)
}

func (m *model) checkConsumer(c *modelConsumer) {
	lanes := map[string]buffer.Lane{}
	for p, o := range c.deferred {
		if l, ok := lanes[o.Lane]; !ok || p < l.Position {
			lanes[o.Lane] = buffer.Lane{Name: o.Lane, Position: p, Retry: o.Retry}
		}
	}
	got := map[string]buffer.Lane{}
	for _, l := range m.f.lanes(c.open) {
		got[l.Name] = l
	}
	m.f.equal("lanes", lanes, got)
	memos := map[string]string{}
	for memo, err := range c.open.Memos(m.f.ctx, "") {
		if err != nil {
			m.f.t.Fatal(err)
		}
		memos[memo.Key] = string(memo.Value)
	}
	m.f.equal("memos", c.memos, memos)
}

// checkStates asks for one event at random, and for all events.
func (m *model) checkStates() {
	if len(m.events) == 0 {
		return
	}
	var want []int
	for i, id := range m.events {
		if id != "" {
			want = append(want, i+1)
		}
	}
	m.f.equal("events", want, m.f.inRange(buffer.Range{}))
	p := uint64(1 + m.rng.IntN(len(m.events)))
	if m.events[p-1] == "" {
		return
	}
	phases := map[string]buffer.Phase{}
	states, err := m.f.States(m.f.ctx, p)
	if err != nil {
		m.f.t.Fatal(err)
	}
	for _, s := range states {
		phases[s.Consumer] = s.Phase
	}
	wanted := map[string]buffer.Phase{}
	for name, c := range m.hands {
		switch _, deferred := c.deferred[p]; {
		case deferred:
			wanted[name] = buffer.PhaseDeferred
		case c.isSettled(p):
			wanted[name] = buffer.PhaseSettled
		default:
			wanted[name] = buffer.PhasePending
		}
	}
	m.f.equal("phases", wanted, phases)
}
