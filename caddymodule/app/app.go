// Package app is the Caddy app `smartcar`: its configuration, and the pool of engines that
// outlive reloads.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/alert"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/drift"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/intake"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/keyring"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/recentlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// Name is the app's module id and its global option.
const Name = "smartcar"

func init() {
	caddy.RegisterModule(new(App))
	httpcaddyfile.RegisterGlobalOption(Name, parseGlobalOption)
}

// App keeps received webhooks in a buffer and delivers them to handlers. Receivers
// (`http.handlers.smartcar_webhook`) use it; without any configuration it is a
// disk buffer in Caddy's data directory and no handler, so that events are stored
// until there is one.
type App struct {
	// Where events live until every handler is done with them. Default: `disk`.
	BufferRaw json.RawMessage `json:"buffer,omitempty" caddy:"namespace=smartcar.buffers inline_key=type"`

	// Handlers files, or folders whose `*.hcl` files are all read. Relative paths start
	// at the working directory of the Caddy process; global placeholders such as
	// `{env.HOME}` are replaced. Default: none.
	Handlers []string `json:"handlers,omitempty"`

	// A hash of what stands in the handlers files. The Caddyfile's adapter writes it, so that a reload takes a change of
	// these files alone: Caddy does nothing where the config has the same bytes. It means nothing else. Who writes JSON
	// leaves it out and reloads with `--force`.
	HandlersDigest string `json:"handlers_digest,omitempty"`

	// How long deliveries in flight may take when the process ends before they are
	// given back, to be made again after the next start. At most 10m. Default: 4s,
	// since systemd kills the stock unit after 5s.
	DrainTimeout caddy.Duration `json:"drain_timeout,omitempty"`

	// How many bytes of memory the bodies that receivers hold may take together, until they have
	// arrived and are answered. Half of it is for bodies of more than 64 KiB, or of unknown length. Beyond
	// it bodies are given up with 503, the one that has taken the longest first. From 1 MiB. Default: 33554432 (32 MiB).
	BodyMemory int64 `json:"body_memory,omitempty"`

	// Caddy refuses to start as long as the buffer cannot be opened. Without it Caddy starts all the same: its other
	// sites run, receivers answer 503, and the buffer is tried again each second; a reload is then taken too, as long as
	// the config in force still waits for its buffer, and else refused. With it a reload is refused in any case. Either
	// way a config is refused while another process has the buffer open. Default: false.
	RequireBuffer bool `json:"require_buffer,omitempty"`

	// Whether the metrics are exported. Default: they are.
	Metrics *Metrics `json:"metrics,omitempty"`

	// That no handler takes VEHICLE_ERROR events is meant: neither log nor status warn of it. Smartcar advises not to
	// ignore them. Default: false.
	IgnoreVehicleErrors bool `json:"ignore_vehicle_errors,omitempty"`

	// Which steps of an event have a line of their own in the log: some of `signature.verified`, `signature.failed`,
	// `webhook.received`, `processing.started`, `processing.completed` and `processing.failed`, or only `all`, or only
	// `none`. What is not in the list is not written. Default: `signature.failed`.
	LogStages []string `json:"log_stages,omitempty"`

	// Each call to a handler is a span, exported as the OTEL_* variables of the environment say, with links to the traces
	// of its events. Caddy's handler `tracing` in a receiver's site traces the requests. Default: false.
	Tracing bool `json:"tracing,omitempty"`

	// Who is told of what needs attention, beside those who ask for the status. Default: nobody.
	Attention *Attention `json:"attention,omitempty"`

	// What is kept of vehicles: when each was last heard of, and its open errors. Default: for 90 days.
	Vehicles *Vehicles `json:"vehicles,omitempty"`

	// Requests that were refused for their signature are kept, to be released once the token is right. Default: none are.
	Quarantine *Quarantine `json:"quarantine,omitempty"`

	stages      stage.Set
	opener      buffer.Opener
	definitions []handlersfile.Definition
	// mistake is why definitions are not those of the handlers files; nil: they are.
	mistake error
	// alerts are the targets of messages, and alertMistake is why some are missing; nil: none are.
	alerts       alert.Config
	alertMistake error
	start        startKind
	// without: Caddy goes on although the buffer is not open.
	without bool
	ref     *EngineRef
	log     *slog.Logger
	// recent keeps the last lines of log, and is one with that of the engine.
	recent *recentlog.Log
	ctx    caddy.Context
	// before is the context of the config that was in force when this one began to load.
	before context.Context
	// sites are the servers that have a receiver, and watch asks them whether requests come to it.
	sites []site
	// warned are the servers whose mistakes were said.
	warned Warned
	watch  atomic.Pointer[selfcheck.Watch]
	// sources are those of the receivers, keys have their tokens and those of passing, storeTimeout is the shortest of
	// theirs, 0 where there is none.
	sources      []string
	passing      []string // the sources of what passes events on and stores none
	keys         keyring.Ring
	accepted     traffic.Accepted // whether and when each of these tokens matched
	storeTimeout time.Duration
	// refusingOld are the sources of receivers that refuse deliveries for their age.
	refusingOld []string
	// files are those that the config was made from.
	files drift.Files
	// look reads them again.
	look drift.Look
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Name,
		New: func() caddy.Module { return new(App) },
	}
}

// Provision checks the config and the handlers files. It touches neither the buffer nor any
// process, since `caddy validate` calls it too, but when a process starts: then it opens the
// buffer, before anything listens.
func (a *App) Provision(ctx caddy.Context) error {
	a.accepted = traffic.Accepted{}
	a.ctx, a.before = ctx, caddy.ActiveContext().Context
	a.recent = recentlog.New()
	a.log = slog.New(a.recent.Handler(ctx.Slogger().Handler(), Name))
	a.start = startOf(os.Args, caddy.ActiveContext())
	if a.DrainTimeout == 0 {
		a.DrainTimeout = caddy.Duration(defaultDrainTimeout)
	}
	if a.BodyMemory == 0 {
		a.BodyMemory = arrivals.DefaultLimit
	}
	if a.Vehicles == nil {
		a.Vehicles = new(Vehicles)
	}
	stages, err := parseStages(a.LogStages)
	err = errors.Join(checkDrainTimeout(a.DrainTimeout), checkBodyMemory(a.BodyMemory), err, a.Vehicles.check())
	if err != nil {
		return err
	}
	a.stages = stages
	if err := a.loadBuffer(ctx); err != nil {
		return err
	}
	if err := a.Quarantine.check(a.opener.Limits().DedupeWindow); err != nil {
		return err
	}
	if a.Quarantine != nil && localDir(a.opener) == "" {
		return quarantine.ErrNone
	}
	if err := a.loadHandlers(); err != nil {
		return err
	}
	if err := a.loadAttention(); err != nil {
		return err
	}
	for _, line := range shortRetention(a.opener.Limits(), a.definitions) {
		a.log.Warn("handlers file", slog.String("warning", line))
	}
	if a.ref, err = a.Acquire(); err != nil {
		return err
	}
	a.recent.JoinTo(a.ref.recent)
	if err = a.exportMetrics(ctx); err != nil {
		return err
	}
	if err = a.prepareTracing(ctx); err != nil || a.start != ofProcess {
		return err
	}
	a.enter()
	_, err = a.open(context.Background())
	return err
}

func (a *App) loadBuffer(ctx caddy.Context) error {
	if a.BufferRaw == nil {
		a.BufferRaw = json.RawMessage(`{"type":"disk"}`)
	}
	mod, err := ctx.LoadModule(a, "BufferRaw")
	if err != nil {
		return fmt.Errorf("loading the buffer: %w", err)
	}
	opener, ok := mod.(buffer.Opener)
	if !ok {
		return fmt.Errorf("loading the buffer: module %T is no buffer", mod)
	}
	a.opener = opener
	return nil
}

// Acquire takes a reference to the engine, for the app itself and for each receiver.
func (a *App) Acquire() (*EngineRef, error) {
	return acquire(a.opener, a.log, func(s *sharedEngine, log *slog.Logger) *engine.Engine {
		s.vehicles.Set(a.Vehicles.settings())
		s.quarantine.Set(a.quarantineSettings(), nil) // the tokens are not known yet
		return engine.New(engine.Options{
			Opener:       a.opener,
			FallbackDir:  localDir(a.opener),
			Bundled:      bundled.Command,
			PassesOn:     bundled.PassesOn,
			Reread:       intake.Reread,
			DrainTimeout: time.Duration(a.DrainTimeout),

			ObserveEvents:  observers{s.vehicles, s.schema, s.quarantine},
			ObserveBuffer:  s.metrics.Buffer(),
			ObserveHandler: s.metrics.Handler,
			Presence:       s.counts.Loss,
			Listening:      listening,
			Stages:         s.stages,
			Log:            log,
		})
	})
}

// localDir is the buffer's directory, "" where it has none. Where all else is read-only it is not, so plugins' sockets may
// lie there.
func localDir(opener buffer.Opener) string {
	if local, ok := opener.(interface{ Dir() string }); ok {
		return local.Dir()
	}
	return ""
}

// Stop only ends the self-check: at a reload the next config goes on with the same engine, and at
// the end requests are still being answered. Cleanup lets go.
func (a *App) Stop() error {
	a.watch.Load().Stop()
	return nil
}

// Cleanup gives the engine back. When this config is taken back, since it failed to start, the
// engine returns to the handlers of the one before, and keeps nothing for those that only this one has.
func (a *App) Cleanup() error {
	a.watch.Load().Stop()
	if a.ref == nil || a.ref.key == "" {
		return nil
	}
	if a.takenBack() {
		a.ref.engine.TakeBack(context.Background(), a)
	} else {
		a.ref.engine.Release(context.Background(), a)
	}
	return errors.Join(a.ref.leave(a), a.ref.Release())
}

// Interface guards.
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Module       = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
