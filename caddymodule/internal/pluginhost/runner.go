package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// drainTime is how long the pipes of a process that has ended are still read. What it wrote
// is there at once; only a grandchild in a group of its own can hold them open longer.
const drainTime = 100 * time.Millisecond

// process is one run of an executable: go-plugin's runner.Runner, and what the
// rest of this package asks about the process.
type process struct {
	command string
	args    []string
	dir     string
	env     []string // without what go-plugin adds

	logs   *logSink
	first  *handshake
	exited chan struct{} // closed when the process has ended
	done   chan struct{} // closed when, after that, its output is read too

	mu       sync.Mutex
	cmd      *exec.Cmd
	startErr error
	killed   bool
	state    *os.ProcessState // set before exited is closed
	waitErr  error
}

var _ runner.Runner = (*process)(nil)

func newProcess(spec Spec, logs *logSink) *process {
	return &process{
		command: spec.Command,
		args:    spec.Args,
		dir:     spec.Dir,
		env:     append(hostEnv(), spec.Env...),
		logs:    logs,
		first:   newHandshake(),
		exited:  make(chan struct{}),
		done:    make(chan struct{}),
	}
}

// Start starts the process. go-plugin calls it once.
func (p *process) Start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		p.startErr = errors.New("stopped before it was started")
	} else {
		p.startErr = p.start()
	}
	if p.startErr != nil {
		close(p.exited)
		close(p.done)
	}
	return p.startErr
}

func (p *process) start() (err error) {
	var pipes pipes
	defer func() {
		pipes.closeChildEnds()
		if err != nil {
			pipes.closeHostEnds()
		}
	}()
	if err := pipes.open(); err != nil {
		return fmt.Errorf("making pipes: %w", err)
	}
	// exec.Cmd fills in what Windows needs in the environment and lets the last of
	// two equal names win. Its own Wait is not used: it would wait for the pipes.
	cmd := exec.Command(p.command, p.args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pipes.stdin.child, pipes.stdout.child, pipes.stderr.child
	cmd.SysProcAttr = ownGroup()
	if err := isolate(); err != nil {
		p.logs.log.Warn("the plugin may see what belongs to Caddy; SECURITY.md says what it should not", "error", err)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	go p.wait(pipes.stdin.host, pipes.stdout.host, pipes.stderr.host)
	return nil
}

// wait reads the process's output and waits for its end.
func (p *process) wait(lifeline, stdout, stderr *os.File) {
	var readers sync.WaitGroup
	readers.Go(func() {
		defer p.first.end()
		p.first.rest = p.logs.writer("stdout")
		_, _ = io.Copy(p.first, stdout)
	})
	readers.Go(func() {
		_, _ = io.Copy(p.logs.writer("stderr"), stderr)
	})

	state, err := p.cmd.Process.Wait()
	p.mu.Lock()
	p.state, p.waitErr = state, err
	// What the process left behind goes with it. The kernel keeps the group's number
	// from being used again while the group has members, and hands numbers out in
	// turn, so right here it is still that group or none.
	killGroup(p.cmd.Process)
	close(p.exited)
	p.mu.Unlock()

	_ = lifeline.Close()
	closeSoon(stdout)
	closeSoon(stderr)
	readers.Wait()
	_ = stdout.Close()
	_ = stderr.Close()
	p.logs.flush()
	close(p.done)
}

// closeSoon ends the reading of f after drainTime.
func closeSoon(f *os.File) {
	if f.SetReadDeadline(time.Now().Add(drainTime)) != nil {
		// Windows: such pipes have no deadlines.
		time.AfterFunc(drainTime, func() { _ = f.Close() })
	}
}

// kill ends the process and all that it started in its group, at once. It does not
// wait. A process that was not started yet never will be.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != nil || p.waitErr != nil {
		return
	}
	p.killed = true
	if p.cmd != nil {
		killGroup(p.cmd.Process)
	}
}

// giveUp is kill for a start that failed; it also settles a process that go-plugin
// never came to start.
func (p *process) giveUp() {
	p.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil && p.startErr == nil {
		p.startErr = errors.New("not started")
		close(p.exited)
		close(p.done)
	}
}

// endedAlone reports whether a process that has ended was not ended by the host.
func (p *process) endedAlone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == nil {
		return false
	}
	// Windows tells no difference between an exit and a kill.
	return !p.killed || runtime.GOOS != "windows" && p.state.Exited()
}

func (p *process) isGone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// pid is 0 before the start.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Wait returns when the process has ended and its output is read.
func (p *process) Wait(context.Context) error {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.startErr != nil:
		return p.startErr
	case p.waitErr != nil:
		return p.waitErr
	case !p.state.Success():
		return errors.New(p.state.String())
	}
	return nil
}

// Kill is kill for go-plugin.
func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

// ID is the process id, "" before the start.
func (p *process) ID() string {
	if pid := p.pid(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// Name is the executable.
func (p *process) Name() string { return p.command }

// Stdout gives go-plugin the handshake line and then the end of the file.
func (p *process) Stdout() io.ReadCloser { return p.first }

// Stderr gives go-plugin nothing: we read it ourselves.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Diagnose says nothing: launch explains failures itself.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost lets the plugin name only an address on this machine.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network == "unix" {
		return network, address, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", "", fmt.Errorf("address %q in its handshake: %w", capText(address), err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", "", fmt.Errorf("address %q in its handshake is not a loopback address; listen on 127.0.0.1", capText(address))
	}
	return network, address, nil
}

// HostToPlugin changes nothing.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
