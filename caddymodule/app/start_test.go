package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// Only the first config of `caddy run` goes on with mistakes, and opens the buffer while it is loaded.
func TestWhatAConfigIsLoadedFor(t *testing.T) {
	active, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	for name, tt := range map[string]struct {
		args   string
		active caddy.Context
		want   startKind
	}{
		"run":                  {"caddy run --config x", caddy.Context{}, ofProcess},
		"a reload of it":       {"caddy run --config x", active, ofReload},
		"validate":             {"caddy validate --config run", caddy.Context{}, ofOther},
		"validate of smartcar": {"caddy smartcar validate", caddy.Context{}, ofOther},
		"adapt":                {"caddy adapt --validate", caddy.Context{}, ofOther},
		"nothing":              {"caddy", caddy.Context{}, ofOther},
		"another program":      {"server --listen x", caddy.Context{}, ofOther},
		"a reload there":       {"server", active, ofReload},
	} {
		t.Run(name, func(t *testing.T) {
			if got := startOf(strings.Fields(tt.args), tt.active); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}

// stuckOpener hangs, or fails, when it opens.
type stuckOpener struct {
	fails error // nil: it hangs
}

func (o stuckOpener) Key() string                     { return "stuck" }
func (o stuckOpener) Limits() buffer.Limits           { return buffer.Limits{} }
func (o stuckOpener) Reconfigure(buffer.Buffer) error { return nil }

func (o stuckOpener) Open(ctx context.Context, _ buffer.Host) (buffer.Buffer, error) {
	if o.fails != nil {
		return nil, o.fails
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// stuckApp is an app whose buffer does not open.
func stuckApp(t *testing.T, start startKind, fails error) *App {
	t.Helper()
	a := &App{start: start, opener: stuckOpener{fails: fails}, log: slog.New(slog.DiscardHandler)}
	a.BodyMemory = arrivals.DefaultLimit
	shared := newSharedEngine(slog.DiscardHandler, "", nil)
	shared.engine = engine.New(engine.Options{Opener: a.opener})
	t.Cleanup(func() { _ = shared.engine.Destruct() })
	a.ref = &EngineRef{sharedEngine: shared}
	return a
}

// Which configs go on without a buffer.
func TestGoingOnWithoutABuffer(t *testing.T) {
	broken, locked := errors.New("permission denied"), errors.Join(errors.New("x"), buffer.ErrLocked)
	for name, tt := range map[string]struct {
		start   startKind
		fails   error
		require bool
		before  bool // the config in force waits for the same buffer
		goesOn  bool
	}{
		"at the start of the process":       {start: ofProcess, fails: broken, goesOn: true},
		"in another program":                {start: ofOther, fails: broken, goesOn: true},
		"a disk that hangs":                 {start: ofProcess, goesOn: true},
		"required":                          {start: ofProcess, fails: broken, require: true},
		"required of a disk that hangs":     {start: ofProcess, require: true},
		"another process has it":            {start: ofProcess, fails: locked},
		"another process has it, elsewhere": {start: ofOther, fails: locked},
		"a reload":                          {start: ofReload, fails: broken},
		"a reload with a disk that hangs":   {start: ofReload},
		"a reload that loses nothing":       {start: ofReload, fails: broken, before: true, goesOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := stuckApp(t, tt.start, tt.fails)
				a.RequireBuffer = tt.require
				if tt.before {
					if err := a.ref.engine.ApplyWhenOpen(t.Context(), "before", nil, nil); err != nil {
						t.Fatal(err)
					}
				}
				begun := time.Now()
				isOpen, err := a.open(t.Context())
				if isOpen || (err == nil) != tt.goesOn || time.Since(begun) > openPatience {
					t.Errorf("open %v, %v after %v", isOpen, err, time.Since(begun))
				}
				if !tt.goesOn {
					return
				}
				begun = time.Now()
				if err := a.Start(); err != nil || time.Since(begun) > 0 {
					t.Errorf("the start took %v, %v", time.Since(begun), err)
				}
				if s := a.ref.engine.Status(t.Context()); s.Receiving == engine.ReceivingOpen || !a.ref.engine.AwaitsBuffer() {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// What the config that is being loaded waits for can be asked for.
func TestStatusBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := stuckApp(t, ofProcess, nil)
		engines.LoadOrStore(a.opener.Key(), a.ref.sharedEngine)
		defer func() { _, _ = engines.Delete(a.opener.Key()) }()
		a.enter()
		a.enter() // by Provision and by Start
		defer func() { _ = a.ref.leave(a) }()
		go func() { _, _ = a.open(t.Context()) }()
		synctest.Wait()
		running, err := Active()
		if err != nil {
			t.Fatal(err)
		}
		if s := running.Engine.Status(t.Context()); s.Receiving != engine.ReceivingOpening || s.Since.IsZero() {
			t.Errorf("%+v", s)
		}
		if len(a.ref.configs) != 1 {
			t.Errorf("the config is there %d times", len(a.ref.configs))
		}
	})
}
