package command

import (
	"bytes"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

const traceback = "the process ended: exit status 1; its last lines were:\n" +
	"    Traceback (most recent call last):\n" +
	"      File \"/opt/crm/handler.py\", line 3, in <module>\n" +
	"        import database\n" +
	"    ModuleNotFoundError: No module named 'database'"

// The cause of an error often is its last line: it stands on the screen, and all of it where one thing is described.
func TestLongErrors(t *testing.T) {
	const cause = "ModuleNotFoundError: No module named 'database'"
	onto := func(width int, do func(p printer)) string {
		var out bytes.Buffer
		do(printer{out: &out, width: width})
		return out.String()
	}
	down := api.Attention{Level: api.LevelError, What: "crm is down: " + traceback, Do: "fix it"}
	attention := func(whole bool) func(p printer) {
		return func(p printer) { p.attention([]api.Attention{down}, 10, whole) }
	}
	for _, tt := range []struct {
		name  string
		got   string
		lines int // of the traceback that are there, at least
	}{
		{"the screen of status", onto(screen, attention(false)), 0},
		{"the screen, piped", onto(0, attention(false)), 4},
		{"about one handler", onto(screen, attention(true)), 4},
		{"a handler", onto(screen, func(p printer) { _ = p.handler(&api.Handler{Name: "crm", LastError: traceback}) }), 4},
		{"its last end", onto(screen, func(p printer) {
			_ = p.handler(&api.Handler{Name: "crm", Plugin: api.Plugin{LastError: traceback}})
		}), 4},
		{"an event", onto(screen, func(p printer) {
			_ = p.states([]api.EventState{{Handler: "crm", RetryState: api.RetryState{LastError: traceback}}})
		}), 4},
		{"a replay", onto(screen, func(p printer) { _ = p.replays([]api.Replay{{ID: "1-a", State: "failed", Error: traceback}}) }), 4},
		{"a dead letter", onto(screen, func(p printer) {
			_ = p.deadLetterDetail(&api.DeadLetterDetail{DeadLetter: api.DeadLetter{RetryState: api.RetryState{LastError: traceback}}})
		}), 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(tt.got, cause) {
				t.Errorf("the cause is not there:\n%s", tt.got)
			}
			found := 0
			for _, line := range linesOf(traceback)[1:] {
				if strings.Contains(tt.got, line) {
					found++
				}
			}
			if found < tt.lines {
				t.Errorf("%d lines of the traceback, want %d:\n%s", found, tt.lines, tt.got)
			}
		})
	}
	// A long line is whole as well.
	long := strings.Repeat("because of this ", 20) + "cause"
	got := onto(screen, func(p printer) {
		_ = p.states([]api.EventState{{Handler: "crm", RetryState: api.RetryState{LastError: long}}})
	})
	if !strings.Contains(got, "Last error of crm:\n  because") || !strings.Contains(got, "cause\n") {
		t.Errorf("got\n%s", got)
	}
}
