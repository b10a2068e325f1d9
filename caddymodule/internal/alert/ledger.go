package alert

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// State is what a message says of a thing.
type State string

// The states.
const (
	// Begun: it stands, and no message has said so since it came.
	Begun State = "begun"
	// Lasting: it stands still, a window after it was said.
	Lasting State = "lasting"
	// Ended: it was said, and is over.
	Ended State = "ended"
)

// told is a thing of which the people at a target know.
type told struct {
	item
	// at is when a message last said so.
	at time.Time
	// hold is how long it must be gone before it has ended. Each return within a window doubles it, so that what comes
	// and goes is said a few times and not each time.
	hold time.Duration
	// ended is when a message said that it is over, zero while it is not.
	ended time.Time
}

// ledger is what the people at a target know.
type ledger struct {
	told map[string]*told
}

// entry is a part of a message.
type entry struct {
	item
	state State
}

// look brings the ledger up to date with what stands, and forgets what ended a window ago.
func (l *ledger) look(s *standing, rules Rules) {
	for id, t := range l.told {
		if it := s.stands(id); it != nil && t.ended.IsZero() {
			t.Attention, t.seen = it.Attention, it.seen
		}
		if !t.ended.IsZero() && s.at.Sub(t.ended) >= rules.Every {
			delete(l.told, id)
		}
	}
}

// due returns what a message to the target would say now: what stops events first. It changes nothing.
func (l *ledger) due(s *standing, rules Rules, target string) []entry {
	var list []entry
	room := max(0, mostItems-len(l.told))
	for id, it := range s.items {
		wanted := rules.wants(&it.Attention) && !isOwn(&it.Attention, target)
		if !wanted || s.stands(id) == nil || s.at.Sub(it.since) < rules.After {
			continue
		}
		t := l.told[id]
		switch {
		case t == nil && room == 0:
		case t == nil:
			room--
			list = append(list, entry{*it, Begun})
		case !t.ended.IsZero():
			list = append(list, entry{*it, Begun})
		case s.at.Sub(t.at) >= rules.Every:
			list = append(list, entry{*it, Lasting})
		}
	}
	for id, t := range l.told {
		if t.ended.IsZero() && s.stands(id) == nil && s.at.Sub(t.seen) >= t.hold {
			list = append(list, entry{t.item, Ended})
		}
	}
	slices.SortFunc(list, func(a, b entry) int {
		if byEnd := order(a) - order(b); byEnd != 0 {
			return byEnd
		}
		return strings.Compare(a.ID(), b.ID())
	})
	return list
}

// order puts what has ended last, and before it what stops events first.
func order(e entry) int {
	switch {
	case e.state == Ended:
		return 2
	case e.Level == api.LevelWarning:
		return 1
	default:
		return 0
	}
}

// isOwn reports whether an item says that a target is not reached: to that target there is no point in saying so.
func isOwn(a *api.Attention, target string) bool {
	return a.Kind == api.MessageUnsent && a.About == target
}

// note remembers what a message said that got through.
func (l *ledger) note(now time.Time, list []entry, rules Rules) {
	for _, e := range list {
		id := e.ID()
		t := l.told[id]
		switch {
		case e.state == Ended:
			if t != nil {
				t.ended = now
			}
		case t == nil:
			l.told[id] = &told{item: e.item, at: now, hold: rules.hold()}
		case e.state == Begun:
			t.item, t.at, t.ended, t.hold = e.item, now, time.Time{}, min(2*t.hold, max(rules.Every, rules.hold()))
		default:
			t.at = now
		}
	}
}
