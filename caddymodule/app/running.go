package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/alert"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/buildinfo"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/drift"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/keyring"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/schema"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/recentlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/vehicles"
)

// Running is what an operator's questions and requests are about: the engine of the config
// that is in force, and what is known of its traffic.
type Running struct {
	Engine      *engine.Engine
	Traffic     *traffic.Counters
	DeadLetters *status.DeadLetterWatch
	Headroom    *status.HeadroomWatch
	Bodies      *arrivals.Budget
	// Limits are those of the configured buffer.
	Limits buffer.Limits
	// Sources are those of the receivers of the config, and of what passes events on.
	Sources []string
	// Keys are their tokens.
	Keys *keyring.Ring
	// RefusingOld are the sources whose receivers refuse deliveries for their age.
	RefusingOld []string
	// UnhandledErrors is about sources whose errors no handler takes.
	UnhandledErrors func() []api.Attention
	// Receivers is whether requests come to the receivers of the config.
	Receivers status.Receivers
	// ChangedFiles returns the files that differ from what the config was made from. It reads them, and takes no longer
	// than a moment: where they hang it returns those that differed when they were last read.
	ChangedFiles func() []drift.Change
	// Alerts tells people of what needs attention, and Messages is what is wrong with that.
	Alerts   *alert.Watch
	Messages func() []api.Attention
	// Vehicles is what is known of vehicles, and Silence which silence of theirs needs attention.
	Vehicles *vehicles.Watch
	Silence  status.SilenceAlerts
	// Quarantine is what is kept of refused requests.
	Quarantine *quarantine.Store
	// Schema is what is not known of events.
	Schema *schema.Watch
	// Recent are the last lines of the logs.
	Recent *recentlog.Log
	// Dir is the buffer's directory on this machine, "" where it has none.
	Dir string
	// HandlersFiles returns the handlers files that the config names now.
	HandlersFiles func() ([]string, error)
}

// Status is how things stand now. It is cheap enough to be asked once a second.
func (r *Running) Status(ctx context.Context) api.Status {
	now := time.Now()
	s := r.Engine.Status(ctx)
	if caddy.Exiting() {
		// Handlers have let go already, and the buffer follows.
		s.Receiving, s.Error = engine.ReceivingClosed, nil
	}
	if s.Receiving != engine.ReceivingClosed {
		r.DeadLetters.Look(ctx, now, r.Engine, s.Buffer.DeadLetters)
	}
	v := status.Make(now, s, r.Traffic, r.DeadLetters, r.Limits, r.Receivers)
	r.Headroom.Add(now, &v.Buffer)
	v.BodyMemory = api.BodyMemory{Bytes: r.Bodies.Held(), LimitBytes: r.Bodies.Limit()}
	for i := range v.Sources {
		v.Sources[i].Removed = !slices.Contains(r.Sources, v.Sources[i].Name)
	}
	status.AddVehicles(&v, r.Vehicles.Summary(), r.Silence)
	status.AddSchemaDrift(&v, r.Schema.Report())
	if s.Receiving != engine.ReceivingClosed {
		v.Attention = append(v.Attention, r.UnhandledErrors()...)
	}
	status.AddQuarantine(&v, r.Quarantine.Summary())
	v.Attention = append(v.Attention, r.Messages()...)
	v.Healthy = len(v.Attention) == 0
	v.Notices = append(v.Notices, status.MaxAgeNotices(s.Buffer.ClockJump, r.RefusingOld)...)
	v.Notices = append(v.Notices, status.DriftNotices(r.ChangedFiles())...)
	build := buildinfo.Read()
	v.Version = api.Version{Version: build.Version, Revision: build.Revision, Modified: build.Modified}
	return v
}

// Errors of Active.
var (
	// ErrStarting: Caddy is still loading its first config.
	ErrStarting = errors.New("the first config is still being loaded: ask again in a moment")
	// ErrNotConfigured: there is no app in the config that is in force.
	ErrNotConfigured = errors.New("the running config has no Smartcar app:" +
		" load one with the directive smartcar_webhook or the global option smartcar")
)

// Active returns what runs for the config that is in force. While Caddy loads its first
// config, which may wait for a slow plugin, that is the app that has begun to start.
// Errors: ErrStarting, ErrNotConfigured.
func Active() (Running, error) {
	app, err := activeApp()
	if errors.Is(err, ErrStarting) {
		if app = startingApp(); app != nil {
			err = nil
		}
	}
	if err != nil {
		return Running{}, err
	}
	return app.running(), nil
}

// activeApp returns the app of the config that is in force.
func activeApp() (*App, error) {
	ctx := caddy.ActiveContext()
	if ctx.Context == nil {
		return nil, ErrStarting
	}
	mod, err := ctx.AppIfConfigured(Name)
	if err != nil {
		return nil, ErrNotConfigured
	}
	app, ok := mod.(*App)
	if !ok || app.ref == nil {
		return nil, ErrNotConfigured
	}
	return app, nil
}

// inForce reports whether the config of this app is. While it is being loaded, another one is, or none.
func (a *App) inForce() bool {
	active, err := activeApp()
	return err == nil && active == a
}

func (a *App) running() Running {
	return Running{
		Engine: a.ref.engine, Traffic: a.ref.counts, DeadLetters: a.ref.letters, Headroom: a.ref.headroom,
		Bodies: a.ref.bodies, Limits: a.opener.Limits(),
		Receivers:       status.Receivers{None: len(a.sites)+len(a.passing) == 0, Checks: a.selfChecks()},
		UnhandledErrors: func() []api.Attention { return a.unhandledErrors(a.ref.engine) },
		ChangedFiles:    a.changedFiles, Alerts: a.ref.alerts, Messages: a.messagesAttention,
		Vehicles: a.ref.vehicles, Silence: a.Vehicles.alerts(a.sources), Schema: a.ref.schema,
		Sources: slices.Concat(a.sources, a.passing), Keys: &a.keys, RefusingOld: a.refusingOld, Quarantine: a.ref.quarantine,
		Recent: a.ref.recent, Dir: localDir(a.opener), HandlersFiles: a.handlersFiles,
	}
}

// startingApp returns the newest app whose Start has been called, if any.
func startingApp() *App {
	var app *App
	engines.Range(func(_, value any) bool {
		if shared, ok := value.(*sharedEngine); ok {
			app = cmp.Or(shared.newest(), app)
		}
		return true
	})
	return app
}
