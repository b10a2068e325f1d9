package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/eventline"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

const (
	// maxLine bounds a line of a command's output, maxLines how many lines of one run go to the log.
	maxLine  = 16 << 10
	maxLines = 200
	// shownLines are how many of the last lines of stderr are the text of the error.
	shownLines = 3
)

// runner runs the command of a handler.
type runner struct {
	config  config
	program string
	handler string
	codes   codes
	log     io.Writer

	mu      sync.Mutex
	running map[*child.Process]struct{}
	closed  bool
}

var errClosed = errors.New("the handler is closed")

// handle runs the command once for all events of a call, which has as many as the config allows, and which share what
// becomes of them.
func (r *runner) handle(ctx context.Context, events []*sdk.Event) []error {
	return sdk.FailAll(len(events), r.run(ctx, events))
}

// run runs the command for events, and says what becomes of them.
func (r *runner) run(ctx context.Context, events []*sdk.Event) error {
	input, err := r.input(events)
	if err != nil {
		return sdk.Reject("unwritable", err)
	}
	output := newOutput(r.log)
	proc, err := r.start(child.Spec{
		Program: r.program, Args: r.config.Command[1:], Dir: r.config.Dir, Env: environ(r.handler, events),
		Stdout: &output.stdout, Stderr: &output.stderr, Memory: uint64(r.config.MemoryLimit),
	})
	if err != nil {
		return startFailure(err)
	}
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		// A command need not read what it is given.
		_, _ = proc.Stdin.Write(input)
		proc.Stdin.Close()
	}()
	timeout := r.await(ctx, proc)
	<-proc.Done()
	<-fed
	r.forget(proc)
	output.end()
	return r.judge(proc, timeout, output)
}

// await waits for the end of a run, and kills it when its time is over.
func (r *runner) await(ctx context.Context, proc *child.Process) (timeout bool) {
	ctx, cancel := endBefore(ctx)
	defer cancel()
	select {
	case <-proc.Exited():
		return false
	case <-ctx.Done():
		proc.Kill()
		<-proc.Exited()
		return true
	}
}

// endBefore ends a little before the host gives up, so that the host is told why.
func endBefore(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Until(deadline)/10, time.Second)))
}

func (r *runner) judge(proc *child.Process, timeout bool, output *output) error {
	name := filepath.Base(r.config.Command[0])
	if timeout {
		return fmt.Errorf("%s took longer than the handler's timeout and was killed%s", name, output.last())
	}
	err := fmt.Errorf("%s ended with %s%s", name, proc.End(), output.last())
	if proc.ExitCode() < 0 {
		return err
	}
	return r.codes.outcome(proc.ExitCode(), err)
}

// input is what a run reads.
func (r *runner) input(events []*sdk.Event) ([]byte, error) {
	if r.config.Batch == 1 && r.config.Input != inputEvent {
		return events[0].Payload, nil
	}
	var lines []byte
	for _, e := range events {
		longer, err := eventline.Append(lines, e, eventline.Form{Compact: true, ContentType: true})
		if err != nil {
			return nil, err
		}
		lines = longer
		lines = append(lines, '\n')
	}
	return lines, nil
}

// start starts a run, unless the handler is closed.
func (r *runner) start(spec child.Spec) (*child.Process, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosed
	}
	proc, err := child.Start(spec)
	if err != nil {
		return nil, err
	}
	if r.running == nil {
		r.running = map[*child.Process]struct{}{}
	}
	r.running[proc] = struct{}{}
	return proc, nil
}

func (r *runner) forget(proc *child.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, proc)
}

// killAll kills what still runs when the plugin ends; the events come again.
func (r *runner) killAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for proc := range r.running {
		proc.Kill()
		<-proc.Exited()
	}
}

// startFailure is what becomes of events whose command could not be started: the event is at fault only where it does
// not fit into a command's environment.
func startFailure(err error) error {
	err = fmt.Errorf("starting the command: %w", err)
	switch {
	case errors.Is(err, errClosed), errors.Is(err, syscall.E2BIG):
		return err
	case errors.Is(err, syscall.ENOEXEC):
		err = fmt.Errorf("%w: a script needs a first line such as #!/bin/sh", err)
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w: the program, its folder, or the interpreter that it names is not there", err)
	}
	return sdk.Unavailable(err)
}
