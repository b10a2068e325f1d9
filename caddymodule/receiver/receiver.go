// Package receiver is the Caddy handler `smartcar_webhook`: it verifies, stores and answers
// one webhook at a time.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(new(Receiver))
	httpcaddyfile.RegisterHandlerDirective(directiveName, parseDirective)
	httpcaddyfile.RegisterDirectiveOrder(directiveName, httpcaddyfile.Before, "respond")
}

// Receiver takes Smartcar's webhooks: it checks the signature over the raw bytes,
// stores the event in the buffer of the app `smartcar`, and answers 200 once it is
// durable. Anything else gets another status, so that Smartcar sends it again. It
// also answers the VERIFY requests by which Smartcar checks a callback address.
//
// It never calls the next handler.
//
// These placeholders are set for access logs and error routes:
//
// Placeholder | Description
// ------------|-------------
// `{http.smartcar.outcome}` | `stored`, `duplicate`, `verified`, `unreadable`, or `refused:` and the code of the answer
// `{http.smartcar.event_id}` | The event's id; empty before the signature was right
// `{http.smartcar.event_type}` | Such as `VEHICLE_STATE`; empty before the signature was right, but `VERIFY` for a VERIFY, which needs no signature
// `{http.smartcar.vehicle_id}` | Smartcar's id of the vehicle; empty where there is none
// `{http.smartcar.token}` | The number of the token that matched, from 1; empty where none did
type Receiver struct {
	Gate

	// How long storing may take before the request is answered with 503. Together with
	// read_timeout less than the 15 s after which Smartcar gives up. Default: 5s.
	StoreTimeout caddy.Duration `json:"store_timeout,omitempty"`

	store       appender
	ref         *app.EngineRef
	nonces      *selfcheck.Nonces
	config      *app.App
	connections *traffic.ConnectionCounters
}

// appender is what a receiver needs of the engine.
type appender interface {
	Append(ctx context.Context, e *buffer.Event) (buffer.Receipt, error)
}

// CaddyModule returns the Caddy module information.
func (*Receiver) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.smartcar_webhook",
		New: func() caddy.Module { return new(Receiver) },
	}
}

// Provision checks the config, expands the tokens and takes a reference to the
// engine. It touches neither disk nor processes.
func (rc *Receiver) Provision(ctx caddy.Context) error {
	tokens, err := rc.configure()
	if err != nil {
		return err
	}
	rc.log = ctx.Slogger()
	mod, err := ctx.App(app.Name)
	if err != nil {
		return err
	}
	smartcarApp, ok := mod.(*app.App)
	if !ok {
		return fmt.Errorf("app %q is a %T, which this receiver does not know", app.Name, mod)
	}
	if err := smartcarApp.CheckBody(rc.MaxSize); err != nil {
		return err
	}
	rc.ref, err = smartcarApp.Acquire()
	if err != nil {
		return err
	}
	for i, configured := range rc.Tokens {
		smartcarApp.NoteTokenFiles(configured, tokens[i])
	}
	rc.log = slog.New(rc.ref.Recent().Handler(rc.log.Handler(), string(rc.CaddyModule().ID)))
	rc.store = rc.ref.Engine()
	if rc.MaxAge.on() {
		rc.age = &ageLimit{
			limit: time.Duration(rc.MaxAge.Limit), refuses: rc.MaxAge.refuses(), events: rc.ref.Engine(),
			now: time.Now, begun: rc.ref.Traffic().Since,
		}
	}
	rc.counts = rc.ref.Traffic().Source(rc.Source)
	rc.tokens = rc.ref.Traffic().Tokens(rc.Source, tokens)
	rc.observed = rc.ref.Metrics().Source(rc.Source)
	rc.connections = &rc.ref.Traffic().Connections
	rc.bodies = rc.ref.Bodies()
	rc.nonces, rc.config = rc.ref.Nonces(), smartcarApp
	rc.stages = rc.ref.Stages()
	rc.quarantine = rc.ref.Quarantine()
	return smartcarApp.Join(ctx, app.Member{
		Source: rc.Source, Keys: rc.keys, Tokens: rc.tokens, StoreTimeout: time.Duration(rc.StoreTimeout),
		MaxAge: rc.maxAge(), RefusesOld: rc.MaxAge.refuses(),
	})
}

// configure fills in defaults, checks the values and prepares what depends on them. It returns the tokens without their
// placeholders.
func (rc *Receiver) configure() (tokens []string, err error) {
	rc.setDefaults()
	if err := rc.check(); err != nil {
		return nil, err
	}
	rc.askTimeout = time.Duration(rc.StoreTimeout)
	return rc.prepare(fmt.Sprintf("receiver %q", rc.Source))
}

func (rc *Receiver) setDefaults() {
	rc.Gate.setDefaults()
	if rc.StoreTimeout == 0 {
		rc.StoreTimeout = caddy.Duration(defaultStoreTimeout)
	}
}

// check is called with the defaults filled in.
func (rc *Receiver) check() error {
	return errors.Join(rc.Gate.check(), rc.checkTimeouts())
}

// checkTimeouts is called with the defaults filled in. One follows the other, and an
// answer that comes after Smartcar has gone is none.
func (rc *Receiver) checkTimeouts() error {
	if err := checkTimeout("store_timeout", rc.StoreTimeout); err != nil {
		return err
	}
	sum := time.Duration(rc.ReadTimeout) + time.Duration(rc.StoreTimeout)
	if sum < smartcarTimeout || time.Duration(rc.ReadTimeout) >= smartcarTimeout {
		return nil // a read_timeout that is too long by itself has been said
	}
	return fmt.Errorf("read_timeout %s and store_timeout %s come to %s: together they must be less than the %s that Smartcar waits"+
		" (without a line they are %s and %s)", time.Duration(rc.ReadTimeout), time.Duration(rc.StoreTimeout), sum, smartcarTimeout,
		defaultReadTimeout, defaultStoreTimeout)
}

// Cleanup gives the engine back. Requests of this receiver may outlive it: they then
// use the engine of the next config, or get 503 when there is none.
func (rc *Receiver) Cleanup() error {
	return rc.ref.Release()
}

// Interface guards.
var (
	_ caddy.Module                = (*Receiver)(nil)
	_ caddy.Provisioner           = (*Receiver)(nil)
	_ caddy.CleanerUpper          = (*Receiver)(nil)
	_ caddyhttp.MiddlewareHandler = (*Receiver)(nil)
)
