package clock

import "time"

// State is what a store keeps of its clock.
type State struct {
	// Last is the newest stamp, 0 if there never was one.
	Last int64 `json:"last"`
	Gaps gaps  `json:"gaps,omitempty"`
}

// AllNew is the state of a store of which nobody knows how old what it holds is: all of it counts as new.
func AllNew(last int64) State { return State{Last: last, Gaps: gaps{{From: 0, To: last}}} }

// gap is a part of the stamps' range of which nobody knows that it has passed.
type gap struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// gaps are in order, and do not overlap.
type gaps []gap

// maxGaps bounds them: that is a restart a day for a year.
const maxGaps = 366

// with returns the gaps and a later one. Where they become too many, the two oldest become one: what lies between them
// then counts for no age either, so that what is that old is kept for longer.
func (s gaps) with(g gap) gaps {
	all := append(append(gaps{}, s...), g)
	if len(all) > maxGaps {
		all[1].From = all[0].From
		all = all[1:]
	}
	return all
}

// ago returns the stamp since which d has passed.
func (s gaps) ago(now int64, d time.Duration) int64 {
	left := int64(d)
	for i := len(s) - 1; i >= 0; i-- {
		g := s[i]
		if now-g.To >= left {
			break
		}
		left -= now - g.To
		now = g.From
	}
	return now - left
}

// passed is how much time has passed from a stamp to another.
func (s gaps) passed(from, to int64) time.Duration {
	passed := to - from
	for _, g := range s {
		passed -= max(0, min(g.To, to)-max(g.From, from))
	}
	return time.Duration(passed)
}
