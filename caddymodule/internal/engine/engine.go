package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// Engine holds one open buffer and the handlers that read from it. It is safe for
// concurrent use.
type Engine struct {
	opts Options
	log  *slog.Logger

	// life ends when Destruct begins.
	life context.Context
	end  context.CancelFunc

	// grace ends when the time that Destruct has for plugins is over.
	grace    context.Context
	endGrace context.CancelFunc

	store store

	// applying serialises Apply, Release and Destruct.
	applying semaphore
	owners   []generation // the newest last; guarded by applying

	// pausing is held while a handler is paused or resumed, durably and in its dispatcher.
	pausing sync.Mutex

	mu      sync.Mutex
	runners []*runner    // in the order of the handlers file
	mistake error        // that of the owner in force
	late    []generation // those that wait for the buffer to open, the newest last
	ending  time.Time    // when the last owner was released, zero while there is one
	tallies map[string]*tally

	// awaiting: somebody waits for the buffer to open; guarded by applying.
	awaiting bool
	// lateFailed is why what waits for that could not be put in force the last time; guarded by applying.
	lateFailed error

	// exiting is what ends in the background: old processes, and the wait for the buffer.
	exiting sync.WaitGroup

	destruct    sync.Once
	destructErr error
	destroyed   atomic.Bool

	// tracers make the spans of calls to handlers, nil: there are none.
	tracers atomic.Pointer[Tracers]
}

// semaphore is a mutex that may be held for seconds: a test in virtual time can wait for it.
type semaphore chan struct{}

func (s semaphore) Lock()   { s <- struct{}{} }
func (s semaphore) Unlock() { <-s }

// generation is what one owner asked for.
type generation struct {
	owner any
	defs  []handlersfile.Definition
	// before is what TakeBack goes back to, nil where the buffer did not say.
	before *snapshot
	// mistake is why defs are not those of the handlers files; nil: they are.
	mistake error
}

// Plugin is what the engine needs of *pluginhost.Plugin.
type Plugin interface {
	dispatch.Handler
	Start(ctx context.Context) error
	Supervise()
	State() pluginhost.State
	Stop(ctx context.Context) error
}

// New returns an engine. It touches no disk and no process.
func New(opts Options) *Engine {
	if opts.DrainTimeout <= 0 {
		opts.DrainTimeout = 4 * time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.NewPlugin == nil {
		opts.NewPlugin = func(s pluginhost.Spec) Plugin { return pluginhost.New(s) }
	}
	e := &Engine{
		opts:     opts,
		log:      opts.Log,
		applying: make(semaphore, 1),
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.grace, e.endGrace = context.WithCancel(context.Background())
	e.store.opener, e.store.log, e.store.life = opts.Opener, opts.Log, e.life
	e.store.host = buffer.Host{Log: opts.Log, Observer: opts.ObserveBuffer}
	e.store.presence, e.store.listening = opts.Presence, opts.Listening
	e.store.observer = opts.ObserveEvents
	return e
}

// Times beyond DrainTimeout that the steps of Destruct may take.
const (
	pluginsGrace = 600 * time.Millisecond
	closeGrace   = 900 * time.Millisecond
)

// Destruct stops deliveries, waits for those in flight up to DrainTimeout, stops the
// plugins and closes the buffer, all within DrainTimeout and a second. Plugins that an
// Apply or Release took out of force shortly before get the same time. After a Release of the
// last owner the time counts from its beginning, so both together take no longer.
// Appends are taken until the buffer closes. It has the shape of caddy.Destructor; a
// second call waits for the first and returns the same.
func (e *Engine) Destruct() error {
	e.destruct.Do(func() { e.destructErr = e.shutDown() })
	return e.destructErr
}

func (e *Engine) shutDown() error {
	end := e.endingSince().Add(e.opts.DrainTimeout) // of the drain
	drain, cancelDrain := context.WithDeadline(context.Background(), end)
	defer cancelDrain()
	if now := time.Now(); end.Before(now) {
		end = now // what comes after the drain has its time whatever came before
	}
	stop, cancelStop := context.WithDeadline(context.Background(), end.Add(pluginsGrace))
	defer cancelStop()
	closing, cancelClosing := context.WithDeadline(context.Background(), end.Add(closeGrace))
	defer cancelClosing()

	defer context.AfterFunc(stop, e.endGrace)()
	defer e.endGrace()

	// An Apply under way starts nothing more, and gives up the lock when its old deliveries
	// have drained.
	e.destroyed.Store(true)
	e.end()
	unobserved := e.endObserver(stop)
	stopped := make(chan error, 1)
	go func() {
		e.applying.Lock()
		defer e.applying.Unlock()
		e.owners = nil
		err := e.stopAll(drain, stop)
		e.exiting.Wait()
		stopped <- err
	}()
	var err error
	select {
	case err = <-stopped:
	case <-closing.Done():
		return errors.New("stopping: plugins did not end in time; the buffer is left to the end of the process")
	}
	return errors.Join(err, <-unobserved, e.store.close(closing))
}

// endObserver ends the observer in the background. What is stored meanwhile it reads from the buffer at the next start.
func (e *Engine) endObserver(ctx context.Context) <-chan error {
	ended := make(chan error, 1)
	if e.opts.ObserveEvents == nil {
		ended <- nil
		return ended
	}
	go func() { ended <- e.opts.ObserveEvents.Close(ctx) }()
	return ended
}

// stopAll ends the runners in force side by side.
func (e *Engine) stopAll(drain, stop context.Context) error {
	runners := e.replaceRunners(nil)
	errs := make([]error, len(runners))
	var wg sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() { errs[i] = r.stop(drain, stop) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// setEnding notes since when there is no owner; zero: there is one.
func (e *Engine) setEnding(since time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ending = since
}

// endingSince is when the end began: with the release of the last owner, else now.
func (e *Engine) endingSince() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ending.IsZero() {
		return time.Now()
	}
	return e.ending
}

// replaceRunners puts other runners in force and returns those before.
func (e *Engine) replaceRunners(runners []*runner) []*runner {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.runners
	e.runners = runners
	return before
}

// current returns the runners in force.
func (e *Engine) current() []*runner {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runners
}

// place says where a definition stands, as file:line, "" where that is not known.
func place(def *handlersfile.Definition) string {
	if def.Range.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", def.Range.Filename, def.Range.Start.Line)
}

// program is what a definition names to be run: a plugin that is compiled in, or the file name of an executable.
func program(def *handlersfile.Definition) string {
	if def.Plugin != "" || def.Command == "" {
		return def.Plugin
	}
	return filepath.Base(def.Command)
}

// places are where a definition and its when stand, as file:line; the latter is "" where there is none.
type places struct{ handler, when string }

func placesOf(def *handlersfile.Definition) places {
	p := places{handler: place(def)}
	if def.When != nil {
		at := def.When.Range()
		p.when = fmt.Sprintf("%s:%d", at.Filename, at.Start.Line)
	}
	return p
}

// inPlace puts the place in the handlers file and the handler's name before an error.
func inPlace(def *handlersfile.Definition, err error) error {
	if place(def) == "" {
		return fmt.Errorf("handler %q: %w", def.Name, err)
	}
	return fmt.Errorf("%s: handler %q: %w", place(def), def.Name, err)
}
