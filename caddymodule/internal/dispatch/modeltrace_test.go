package dispatch_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// trace is what happened in a history, for the one that has to find out why it failed:
// goroutines take turns by chance, so a seed does not bring back every failure.
type trace struct {
	begun time.Time
	lines []traced
}

type traced struct {
	at    time.Duration
	event string // "" for what concerns all
	text  string
}

// say writes down what happened to an event, or to all; m.mu is held.
func (m *model) say(event, format string, args ...any) {
	m.trace.lines = append(m.trace.lines, traced{time.Since(m.trace.begun), event, fmt.Sprintf(format, args...)})
}

// tell shows what happened around these events.
func (m *model) tell(events ...string) string {
	var b strings.Builder
	first := slices.IndexFunc(m.trace.lines, func(l traced) bool { return slices.Contains(events, l.event) })
	for _, l := range m.trace.lines[max(first, 0):] {
		if l.event == "" || slices.Contains(events, l.event) {
			fmt.Fprintf(&b, "\n%12s %s %s", l.at, l.event, l.text)
		}
	}
	return b.String()
}
