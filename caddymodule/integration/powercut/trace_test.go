package powercut_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// trace is what happened in a history, for the one who has to find out why it failed:
// goroutines take turns by chance, so a seed does not bring back every failure.
type trace struct {
	begun time.Time
	lines []traced
}

type traced struct {
	at     time.Duration
	event  string // "" for what concerns all
	format string
	args   []any
}

// say writes down what happened to an event, or to all; mu is held.
func (l *ledger) say(event, format string, args ...any) {
	l.trace.lines = append(l.trace.lines, traced{time.Since(l.trace.begun), event, format, args})
}

// tell shows what happened around these events.
func (l *ledger) tell(events ...string) string {
	var b strings.Builder
	first := slices.IndexFunc(l.trace.lines, func(t traced) bool { return slices.Contains(events, t.event) })
	for _, t := range l.trace.lines[max(first, 0):] {
		if t.event == "" || slices.Contains(events, t.event) {
			fmt.Fprintf(&b, "\n%14s %s %s", t.at, t.event, fmt.Sprintf(t.format, t.args...))
		}
	}
	return b.String()
}
