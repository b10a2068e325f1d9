package conformance

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
)

// patience is how long a program may take for what must come.
const patience = 20 * time.Second

// program is one run of the program.
type program struct {
	t    *testing.T
	proc *child.Process
	// out are its lines on stdout; closed when it has ended.
	out  chan string
	tail child.Tail
	// last is the id of the last batch.
	last int
}

func start(t *testing.T, s Subject) *program {
	t.Helper()
	path, err := child.Find(s.Command[0], s.Dir)
	if err != nil {
		t.Fatalf("%v; a relative path is taken from the folder of -dir, else from that of this test", err)
	}
	p := &program{t: t, out: make(chan string, 1000)}
	stdout := &child.Lines{Max: 1 << 20, Each: func(line []byte, _ int) {
		select {
		case p.out <- string(line):
		default: // more than any case asks for
		}
	}}
	stderr := &child.Lines{Max: 16 << 10, Each: func(line []byte, _ int) { p.tail.Add(line) }}
	p.proc, err = child.Start(child.Spec{
		Program: path, Args: s.Command[1:], Dir: s.Dir, Env: child.Environ(), Stdout: stdout, Stderr: stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-p.proc.Done()
		stdout.Flush()
		close(p.out)
	}()
	t.Cleanup(func() {
		p.proc.Kill()
		<-p.proc.Done()
		if t.Failed() {
			t.Logf("the last lines on its stderr:\n%s", p.tail.Last(10, "\n"))
		}
	})
	return p
}

func (p *program) send(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.proc.Stdin, line+"\n"); err != nil {
		p.t.Fatalf("writing to its stdin: %v; it %s", err, p.proc.End())
	}
}

// give sends a batch and returns its id.
func (p *program) give(events ...string) int {
	p.t.Helper()
	p.last++
	p.send(batch(p.last, events...))
	return p.last
}

// answer reads the answers to these batches, in any order, each with a result for so many events.
func (p *program) answer(events int, ids ...int) {
	p.t.Helper()
	open := slices.Clone(ids)
	late := time.After(patience)
	for len(open) > 0 {
		select {
		case line, more := <-p.out:
			if !more {
				p.t.Fatalf("it ended without an answer to %v: %s", open, p.proc.End())
			}
			id := p.check(line, events)
			at := slices.Index(open, id)
			if at < 0 {
				p.t.Fatalf("it answered %d, of %v that wait: %s", id, open, line)
			}
			open = slices.Delete(open, at, at+1)
		case <-late:
			p.t.Fatalf("no answer to %v within %v: does it flush its stdout?", open, patience)
		}
	}
}

// check reads one answer and returns its id.
func (p *program) check(line string, events int) int {
	p.t.Helper()
	var a struct {
		ID      *int
		Results []struct{ Result, After, Reason, Error string }
	}
	if err := json.Unmarshal([]byte(line), &a); err != nil || a.ID == nil {
		p.t.Fatalf("not an answer (%v): %s", err, line)
	}
	if len(a.Results) != events {
		p.t.Fatalf("%d results for %d events: %s", len(a.Results), events, line)
	}
	for _, r := range a.Results {
		if !isResult(r.Result) {
			p.t.Errorf("result %q, want one of %v: %s", r.Result, results, line)
		}
		if _, err := time.ParseDuration(r.After); r.After != "" && err != nil {
			p.t.Errorf("after %q is not a duration such as \"30s\": %s", r.After, line)
		}
	}
	return *a.ID
}

func (p *program) closeStdin() {
	p.t.Helper()
	if err := p.proc.Stdin.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		p.t.Fatal(err)
	}
}

// end closes the program's stdin, upon which it must end, with 0 and without another word on stdout.
func (p *program) end() {
	p.t.Helper()
	p.closeStdin()
	select {
	case <-p.proc.Done():
	case <-time.After(patience):
		p.t.Fatalf("it did not end within %v of the end of its stdin", patience)
	}
	for line := range p.out {
		p.t.Errorf("nobody asked for this line on stdout: %s", line)
	}
	if p.proc.ExitCode() != 0 {
		p.t.Errorf("it ended with %s, want exit status 0", p.proc.End())
	}
}
