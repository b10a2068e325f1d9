package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// drainTime is how long the pipes of a program that has ended are still read. What it wrote is there at once; only a
// grandchild can hold them open longer.
const drainTime = 100 * time.Millisecond

// Spec says what to run, and how.
type Spec struct {
	// Program is an absolute path, as Find returns it; Args are its arguments. No shell is involved.
	Program string
	Args    []string
	// Dir is the working folder, "": that of this process. Env is the whole environment.
	Dir string
	Env []string
	// Stdout and Stderr take what the program writes, each in one goroutine. They must not fail.
	Stdout, Stderr io.Writer
	// Memory bounds the data of the process and, each for itself, of those that it starts, in bytes; 0: no bound.
	// Start fails where LimitsMemory is false.
	Memory uint64
	// ShareGroup leaves the program in the process group of this process, see the package comment.
	ShareGroup bool
}

// Process is a program that was started.
type Process struct {
	// Stdin is the writing end of the program's stdin. Closing it is how the program is asked to end.
	Stdin io.WriteCloser

	shared bool
	cmd    *exec.Cmd
	exited chan struct{}
	done   chan struct{}

	mu     sync.Mutex
	killed bool
	state  *os.ProcessState // nil while the program runs
	err    error            // of waiting
}

// Start starts a program. The error is one of the system.
func Start(spec Spec) (*Process, error) {
	if spec.Memory > 0 && !LimitsMemory {
		return nil, errors.ErrUnsupported
	}
	var ends pipes
	if err := ends.open(); err != nil {
		ends.close()
		return nil, fmt.Errorf("making pipes: %w", err)
	}
	cmd := exec.Command(spec.Program, spec.Args...)
	cmd.Dir, cmd.Env = spec.Dir, spec.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = ends.stdin.theirs, ends.stdout.theirs, ends.stderr.theirs
	cmd.SysProcAttr = attributes(spec.ShareGroup)
	p := &Process{
		Stdin: ends.stdin.ours, shared: spec.ShareGroup, cmd: cmd, exited: make(chan struct{}), done: make(chan struct{}),
	}
	started := make(chan error, 1)
	go p.run(spec, ends, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run starts the program, reads what it writes, and waits for its end, all of it on one thread: Linux sends the signal
// of a parent's death when the thread that started the program ends.
func (p *Process) run(spec Spec, ends pipes, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		ends.close()
		started <- err
		return
	}
	ends.closeTheirs()
	if spec.Memory > 0 {
		if err := limitMemory(p.cmd.Process.Pid, spec.Memory); err != nil {
			// Without its limit the program must not run.
			p.Kill()
		}
	}
	var readers sync.WaitGroup
	readers.Go(func() { _, _ = io.Copy(spec.Stdout, ends.stdout.ours) })
	readers.Go(func() { _, _ = io.Copy(spec.Stderr, ends.stderr.ours) })
	started <- nil

	state, err := p.cmd.Process.Wait()
	p.mu.Lock()
	p.state, p.err = state, err
	if !p.shared {
		// What the program left behind goes with it. The kernel does not give the group's number away while the group
		// has members, and hands numbers out in turn, so right here it is still that group or none.
		killGroup(p.cmd.Process)
	}
	close(p.exited)
	p.mu.Unlock()

	ends.stdin.ours.Close()
	closeSoon(ends.stdout.ours)
	closeSoon(ends.stderr.ours)
	readers.Wait()
	ends.stdout.ours.Close()
	ends.stderr.ours.Close()
	close(p.done)
}

// closeSoon ends the reading of f after drainTime.
func closeSoon(f *os.File) {
	if f.SetReadDeadline(time.Now().Add(drainTime)) != nil {
		// Windows: such pipes have no deadlines.
		time.AfterFunc(drainTime, func() { f.Close() })
	}
}

// PID is the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Done is closed when the program has ended and what it wrote is read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the program at once and, where the group is its own, what it started. It does not wait.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != nil || p.err != nil {
		return
	}
	p.killed = true
	if p.shared {
		_ = p.cmd.Process.Kill()
		return
	}
	killGroup(p.cmd.Process)
}

// ExitCode is that of a program that has ended by itself; -1 if it runs, or a signal ended it.
func (p *Process) ExitCode() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == nil {
		return -1
	}
	return p.state.ExitCode()
}

// End says how the program ended, such as "exit status 1"; "" while it runs.
func (p *Process) End() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return "waiting for it failed: " + p.err.Error()
	case p.state == nil:
		return ""
	case p.state.String() == "signal: killed" && !p.killed:
		return "signal: killed, by somebody else; the system does so when memory is short"
	}
	return p.state.String()
}
