package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// startKind says what a config is loaded for, which decides whether a mistake refuses it.
type startKind int

const (
	// ofReload: there is a config in force, which goes on where this one is refused.
	ofReload startKind = iota
	// ofProcess: it is the first config of `caddy run`, which `caddy start` runs too. Where it is refused nothing runs,
	// after a reboot for instance, none of Caddy's other sites either.
	ofProcess
	// ofOther: it is the first config of another process. It may be there to be validated only, which must touch no
	// disk and has to find every mistake.
	ofOther
)

// startOf tells them apart by the process's arguments: Caddy provisions a config in the same way whether it goes on to
// start it or not. It makes the routers of the admin API only for a start, but none where the config has `admin off`.
func startOf(args []string, active caddy.Context) startKind {
	switch {
	case active.Context != nil:
		return ofReload
	case len(args) > 1 && args[1] == "run":
		return ofProcess
	default:
		return ofOther
	}
}

// openPatience is how long a config waits for its buffer to open. A disk that hangs must not keep Caddy's other sites
// from running.
const openPatience = 10 * time.Second

// Start opens the buffer, unless Provision, a request or an earlier config has, and applies the
// handlers.
func (a *App) Start() error {
	a.enter()
	ctx := context.Background()
	if err := a.checkMoved(ctx); err != nil {
		return err
	}
	isOpen, err := a.open(ctx)
	if err != nil {
		return err
	}
	if isOpen && a.start == ofReload {
		err = a.ref.engine.Apply(ctx, a, a.definitions)
	} else {
		err = a.ref.engine.ApplyWhenOpen(ctx, a, a.definitions, a.mistake)
	}
	if err != nil {
		return fmt.Errorf("applying the handlers: %w", err)
	}
	// After that, so that refused handlers change no limit.
	if err := a.ref.engine.Reconfigure(a.opener); err != nil {
		return err
	}
	for _, line := range unknownSources(a.sources, a.passing, a.definitions) {
		a.log.Warn("handlers file", slog.String("warning", line))
	}
	a.logUnhandledErrors()
	a.startSelfCheck()
	a.ref.started(a)
	return nil
}

// enter makes this the newest config of its engine.
func (a *App) enter() {
	kept := a.Vehicles.settings()
	kept.InForce = a.inForce
	a.ref.enter(startedConfig{
		owner: a, log: a.log.Handler(), opener: a.opener, bodyMemory: a.BodyMemory,
		metrics: !a.Metrics.off(), stages: a.stages, tracing: a.Tracing, alerts: a.alerts, vehicles: kept,
		accepted:   a.accepted,
		quarantine: a.quarantineSettings(), keys: &a.keys,
	})
}

// open opens the buffer, and reports whether it is open. Where it is not, the error is nil if Caddy goes on without it.
func (a *App) open(ctx context.Context) (isOpen bool, err error) {
	if a.without {
		return false, nil // the time for waiting is over
	}
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	err = a.ref.engine.Open(ctx)
	switch {
	case err == nil:
		return true, nil
	case !a.goesOnWithout(err):
		return false, fmt.Errorf("opening the buffer: %w", err)
	case errors.Is(err, context.DeadlineExceeded):
		a.log.Error("Caddy starts while its buffer still opens: nothing can be received until it is open",
			slog.Duration("after", openPatience), slog.String("do", "look whether the disk hangs; no restart is needed"))
	}
	if a.start == ofReload {
		a.log.Warn("the config is taken although the buffer is not open, as under the one before: nothing can be received")
	}
	a.without = true
	return false, nil
}

// goesOnWithout reports whether Caddy runs although the buffer did not open. A process that starts has nothing to go
// back to, and a reload changes nothing for the worse if the config in force has no buffer either. But that another
// process has the buffer is no fault of the disk: this process would take that one's connections.
func (a *App) goesOnWithout(err error) bool {
	if a.RequireBuffer || errors.Is(err, buffer.ErrLocked) {
		return false
	}
	if !errors.Is(err, engine.ErrNotOpen) && !errors.Is(err, context.DeadlineExceeded) {
		return false // the process is ending
	}
	return a.start != ofReload || a.ref.engine.AwaitsBuffer()
}
