package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// maxDetail bounds the description of a crash, in bytes: it is stored with an event that is
// taken for the cause.
const maxDetail = 4 << 10

// exitReport says how a process ended, with the last lines that it wrote.
type exitReport struct {
	err   error
	lines []string
	// panicked: the lines begin with what matters, instead of ending with it.
	panicked bool
}

func (e *exitReport) Error() string {
	if len(e.lines) == 0 {
		return e.err.Error()
	}
	return fmt.Sprintf("%v; its last lines were:\n    %s", e.err, strings.Join(e.lines, "\n    "))
}

func (e *exitReport) Unwrap() error { return e.err }

// explainEnd says how the process ended, in its own words where it has said why. It waits until its output is read.
func (p *process) explainEnd() *exitReport {
	<-p.done
	p.mu.Lock()
	state, waitErr, killed := p.state, p.waitErr, p.killed
	p.mu.Unlock()
	said := p.logs.saidEnding()
	switch {
	case waitErr != nil:
		return p.withStderr(fmt.Errorf("waiting for the process: %w", waitErr))
	case said != "" && !killed:
		return p.withStderr(errors.New(said))
	case state.String() == "signal: killed" && !killed:
		return p.withStderr(fmt.Errorf("the process ended: %s, by somebody else; the system does so when memory is short", state))
	}
	return p.withStderr(fmt.Errorf("the process ended: %s", state))
}

// withStderr adds the last lines that the process wrote. The process has ended, or
// will at once.
func (p *process) withStderr(err error) *exitReport {
	<-p.done
	lines, panicked := p.logs.last()
	return &exitReport{err: err, lines: lines, panicked: panicked}
}

// detail is the ending for an operator who looks at an event: one fact a line, at most
// maxDetail bytes.
func (e *exitReport) detail(facts ...string) string {
	text := capTo(flat(e.err.Error()), maxText)
	for _, fact := range facts {
		text += "\n" + capTo(flat(fact), maxText)
	}
	if len(e.lines) == 0 {
		return text
	}
	text += "\nits last lines were:"
	return text + indented(e.lines, maxDetail-len(text), e.panicked)
}

// indented is as many of the lines as fit into size: the last ones, or the first.
func indented(lines []string, size int, fromStart bool) string {
	const before, left = "\n    ", "…"
	size -= len(before + left)
	used, n := 0, 0
	for n < len(lines) {
		next := lines[n]
		if !fromStart {
			next = lines[len(lines)-1-n]
		}
		if used+len(before)+len(flat(next)) > size {
			break
		}
		used += len(before) + len(flat(next))
		n++
	}
	shown := lines[len(lines)-n:]
	if fromStart {
		shown = lines[:n]
	}
	var text strings.Builder
	if n < len(lines) && !fromStart {
		text.WriteString(before + left)
	}
	for _, line := range shown {
		text.WriteString(before + flat(line))
	}
	if n < len(lines) && fromStart {
		text.WriteString(before + left)
	}
	return text.String()
}

// flat makes one line of a text.
func flat(s string) string {
	return strings.Join(strings.Fields(text.CleanLines(s)), " ")
}

// crashed returns the error of calls that were under way when the process ended by itself.
func (i *instance) crashed(why *exitReport) *dispatch.CrashError {
	name := i.about.name
	if i.about.version != "" {
		name += " " + i.about.version
	}
	return &dispatch.CrashError{Detail: why.detail(
		"plugin: "+name,
		fmt.Sprintf("process: %d, up for %s", i.proc.pid(), time.Since(i.since).Round(time.Millisecond)),
	)}
}

// lostCall says what a call means that ended without an answer: a
// *dispatch.CrashError when the process ended by itself under it, and else
// dispatch.ErrDown. The connection ends before the process does, so it waits for
// that, but not for long: a process may close its connection and live on, and a
// host that stops has no use for the difference.
func (p *Plugin) lostCall(ctx context.Context, inst *instance) error {
	if p.awaitExit(ctx, inst) && inst.crash != nil {
		return inst.crash
	}
	return fmt.Errorf("process went away under the call: %w", dispatch.ErrDown)
}

// awaitExit waits until it is known how inst's process ended; false when that did
// not come in time.
func (p *Plugin) awaitExit(ctx context.Context, inst *instance) bool {
	timer := time.NewTimer(p.t.crashWait)
	defer timer.Stop()
	select {
	case <-inst.exitKnown:
		return true
	case <-timer.C:
	case <-p.life.Done():
	case <-ctx.Done():
	}
	return false
}
