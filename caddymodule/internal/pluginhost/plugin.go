package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Spec says what to run for one handler.
type Spec struct {
	// Handler is the name of the handler in the handlers file.
	Handler string
	// Command is the absolute path of the executable; Args are its arguments.
	Command string
	Args    []string
	// Env is what the process sees in addition to PATH, HOME, TMPDIR, TZ and LANG of the
	// host, as NAME=value.
	Env []string
	// Dir is the working directory; "": the host's.
	Dir string
	// SHA256 of the executable in hex, checked before every start; "": not checked.
	// The check protects against a wrong file, not against somebody who can write
	// to the executable's directory between the check and the start.
	SHA256 string
	// RuntimeDir is where directories for sockets are made. Several hosts may share
	// it. Where it is "", cannot be written, or is too long a path for a unix socket,
	// the first that will do is used of the system's directory for temporary files,
	// XDG_RUNTIME_DIR, /tmp and FallbackDir; "": none.
	RuntimeDir, FallbackDir string
	// Configure turns the handler's config block into the JSON that the plugin's
	// schema describes. Nil: "{}" is sent.
	Configure func(sdk.Schema) (configJSON []byte, err error)
	// Explain turns the plugin's diagnostics into an error that says where in the
	// handlers file, nil if there are only warnings. Nil: the error has no place.
	Explain func([]sdk.Diagnostic) error
	// Log takes the host's and the plugin's lines; each is given the attribute
	// "handler". Nil: slog.Default().
	Log *slog.Logger
}

// State is a snapshot of a plugin for status pages.
type State struct {
	// Up: the process runs and has accepted its config.
	Up bool
	// PID of the process, 0 while there is none.
	PID int
	// Since when it is up or down; zero before the first start.
	Since time.Time
	// Restarts counts the starts that supervision made, successful or not.
	Restarts int
	// Crashes counts the times that the process ended by itself, or was killed since it did not answer.
	Crashes int
	// LastError says why it is down, or was the last time; "" if it never was.
	LastError string
	// PluginName and Version are what the plugin said of itself, "" before it did.
	PluginName, Version string
	// EventTypes are those that the plugin wants, sorted; nil: all, or it has not said.
	EventTypes []string
	// Conditions are the trouble that it reports, in its order; nil: none. They are not changed.
	Conditions []Condition
}

// Plugin is one handler's process, with all its restarts. It is a dispatch.Handler,
// safe for concurrent use.
type Plugin struct {
	spec Spec
	log  *slog.Logger
	t    timing

	// life ends when Stop begins: with it a launch under way and supervision.
	life context.Context
	end  context.CancelFunc

	// launching serialises attempts to start a process.
	launching   sync.Mutex
	dir         *runtimeDir // guarded by launching
	superviseMu sync.Once
	supervised  chan struct{} // closed when supervision has ended; nil before it began

	mu       sync.Mutex
	inst     *instance     // nil while there is no process to call
	up       chan struct{} // closed while inst is there
	about    about         // of the last process
	state    State
	stopping bool
	stopped  chan struct{} // closed when Stop has ended
	stopErr  error
}

var _ dispatch.Handler = (*Plugin)(nil)

// errStopped is for calls after Stop.
var errStopped = errors.New("plugin was stopped")

// StartError says that the plugin of a handler did not start.
type StartError struct {
	Handler string
	// Cause is why, and what to do.
	Cause error
}

// Error says which plugin it is, and why it did not start.
func (e *StartError) Error() string {
	return fmt.Sprintf("starting plugin of handler %q: %v", e.Handler, e.Cause)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Cause }

// New returns a Plugin without a process. It touches nothing outside memory.
func New(spec Spec) *Plugin {
	log := spec.Log
	if log == nil {
		log = slog.Default()
	}
	life, end := context.WithCancel(context.Background())
	return &Plugin{
		spec:    spec,
		log:     log.With("handler", spec.Handler),
		t:       defaultTiming(),
		life:    life,
		end:     end,
		up:      make(chan struct{}),
		stopped: make(chan struct{}),
	}
}

// Start makes one attempt to get the process up: launch, Describe, Configure. A
// *StartError says what went wrong and what to do, with the last lines of the plugin's
// stderr. It does nothing when the process is up.
func (p *Plugin) Start(ctx context.Context) error {
	p.launching.Lock()
	defer p.launching.Unlock()
	if p.current() != nil {
		return nil
	}
	if p.life.Err() != nil {
		return &StartError{Handler: p.spec.Handler, Cause: errStopped}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.life, func() { cancel(errStopped) })()

	begun := time.Now()
	inst, err := p.launch(ctx)
	if err != nil {
		p.failed(err)
		return &StartError{Handler: p.spec.Handler, Cause: err}
	}
	if !p.install(inst) {
		inst.finish()
		return &StartError{Handler: p.spec.Handler, Cause: errStopped}
	}
	p.log.Info("plugin is up", "plugin", inst.about.name, "version", inst.about.version,
		"pid", inst.proc.pid(), "took", time.Since(begun).Round(time.Millisecond))
	return nil
}

// State returns a snapshot.
func (p *Plugin) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// MaxBatch is the most deliveries that one Handle call may carry, as the plugin
// said at its last start; 1 before.
func (p *Plugin) MaxBatch() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(1, p.about.maxBatch)
}

// Wants reports whether the plugin asked for this event type at its last start; true
// before.
func (p *Plugin) Wants(eventType string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.about.wants(eventType)
}

// current is the process to call, nil while there is none.
func (p *Plugin) current() *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inst
}

// install makes inst the process to call and watches it; false after Stop.
func (p *Plugin) install(inst *instance) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return false
	}
	p.inst = inst
	p.about = inst.about
	p.state.Up, p.state.PID, p.state.Since = true, inst.proc.pid(), inst.since
	p.state.PluginName, p.state.Version = inst.about.name, inst.about.version
	p.state.EventTypes = slices.Sorted(maps.Keys(inst.about.types))
	close(p.up)
	go p.watch(inst)
	return true
}

// failed notes an attempt to start that came to nothing.
func (p *Plugin) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.LastError = err.Error()
	if p.state.Since.IsZero() {
		p.state.Since = time.Now()
	}
}

// lost notes that inst's process is gone; why is nil when the host ended it, else it counts as a crash.
func (p *Plugin) lost(inst *instance, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if why != nil {
		p.state.LastError = why.Error()
		p.state.Crashes++
	}
	p.state.Up, p.state.PID, p.state.Since = false, 0, time.Now()
	p.state.Conditions = nil
	p.takeDown(inst)
}

// takeDown stops new calls from reaching inst. p.mu is held.
func (p *Plugin) takeDown(inst *instance) {
	if p.inst != inst || inst == nil {
		return
	}
	p.inst = nil
	p.up = make(chan struct{})
}
