package receiver

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

func init() {
	caddy.RegisterModule(new(Verifier))
	httpcaddyfile.RegisterHandlerDirective(verifierName, parseVerifier)
	// Before all that may end the way of a request, such as `handle`: behind it nothing would be verified. And before
	// `request_header`, which may then use the placeholders.
	httpcaddyfile.RegisterDirectiveOrder(verifierName, httpcaddyfile.Before, "request_header")
}

// Verifier stands before the handler that hands webhooks to an application, such as `reverse_proxy`, and lets through
// only events with a right signature. It checks them as `smartcar_webhook` does, answers the VERIFY requests by which
// Smartcar checks a callback address, and refuses all else itself.
//
// It stores nothing: a 200 is the application's own, and what the application does not take within Smartcar's four
// attempts, 175 s, is lost. It needs no app `smartcar`; where the config has one, its source is in status and metrics.
//
// The body and the SC-Signature header are passed on as they came. These headers are added, after every header has been
// removed whose name begins with X-Smartcar in any spelling, where only letters and digits count:
//
// Header | Value
// -------|------
// `X-Smartcar-Source` | The source
// `X-Smartcar-Event-Id` | The event's id, the same in each of Smartcar's attempts
// `X-Smartcar-Event-Type` | Such as `VEHICLE_STATE`
// `X-Smartcar-Vehicle-Id` | Smartcar's id of the vehicle
// `X-Smartcar-Token` | The number of the token that matched, from 1
//
// A value is left out where there is none, or where it is not up to 256 characters of printable ASCII.
//
// The placeholders are those of `smartcar_webhook`; `{http.smartcar.outcome}` is `passed`, `not_taken` where the
// application did not answer 2xx, `verified`, or `refused:` and the code of the answer.
type Verifier struct {
	Gate

	ref *app.EngineRef
	// alone is nil where the config has the app.
	alone *alone
}

// CaddyModule returns the Caddy module information.
func (*Verifier) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.smartcar_verify",
		New: func() caddy.Module { return new(Verifier) },
	}
}

// Provision checks the config and expands the tokens. It opens nothing, and makes no app where there is none.
func (v *Verifier) Provision(ctx caddy.Context) error {
	tokens, err := v.configure()
	if err != nil {
		return err
	}
	v.log = ctx.Slogger()
	smartcarApp, err := app.IfConfigured(ctx)
	if err != nil {
		return err
	}
	if smartcarApp == nil {
		if err := v.standAlone(tokens); err != nil {
			return err
		}
		return v.alone.warned.Sites(ctx, v.log)
	}
	return v.join(ctx, smartcarApp, tokens)
}

func (v *Verifier) configure() (tokens []string, err error) {
	v.setDefaults()
	if err := v.check(); err != nil {
		return nil, err
	}
	return v.prepare(fmt.Sprintf("%s of source %q", verifierName, v.Source))
}

// join has the app count what comes.
func (v *Verifier) join(ctx caddy.Context, a *app.App, tokens []string) (err error) {
	if err := a.CheckBody(v.MaxSize); err != nil {
		return err
	}
	if v.ref, err = a.Acquire(); err != nil {
		return err
	}
	for i, configured := range v.Tokens {
		a.NoteTokenFiles(configured, tokens[i])
	}
	v.log = slog.New(v.ref.Recent().Handler(v.log.Handler(), string(v.CaddyModule().ID)))
	v.countIn(v.ref.Traffic(), tokens)
	v.observed = v.ref.Metrics().Source(v.Source)
	v.bodies, v.stages = v.ref.Bodies(), v.ref.Stages()
	return a.JoinPassing(ctx, app.Passer{Source: v.Source, Keys: v.keys, Tokens: v.tokens})
}

// countIn has counters count what comes.
func (v *Verifier) countIn(c *traffic.Counters, tokens []string) {
	v.counts, v.tokens = c.Source(v.Source), c.Tokens(v.Source, tokens)
	if v.MaxAge.on() {
		v.age = &ageLimit{
			limit: time.Duration(v.MaxAge.Limit), refuses: v.MaxAge.refuses(), events: nothingKnown{},
			now: time.Now, begun: c.Since,
		}
	}
}

// Cleanup gives back what is shared.
func (v *Verifier) Cleanup() error {
	if err := v.alone.release(); err != nil {
		return fmt.Errorf("giving back the memory for bodies: %w", err)
	}
	return v.ref.Release()
}

// ServeHTTP answers a VERIFY, refuses what is no event, and passes on the rest.
func (v *Verifier) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	timing := v.observed.Begin()
	defer timing.Answered()
	o := new(outcome)
	o.attach(r)
	traffic.MarkServed(r)
	s, isPassed := v.scratches.get(), false
	defer func() {
		if isPassed {
			s.arrival.End() // it is not used again: the transport of a proxy may still read its body
			return
		}
		v.scratches.put(s)
	}()
	s.timing = timing
	r, span := beginReceive(r)
	a, f := v.admit(w, r, o, s)
	isPassed = f.refusal == nil && a.body == nil
	var err error
	if isPassed {
		f, err = v.pass(w, r, o, s, next)
	}
	v.endReceive(span, o, s, f)
	switch {
	case f.refusal != nil:
		return v.refuse(w, r, o, s, f)
	case isPassed:
		return err
	default:
		return writeJSON(w, http.StatusOK, a)
	}
}

// Interface guards.
var (
	_ caddy.Module                = (*Verifier)(nil)
	_ caddy.Provisioner           = (*Verifier)(nil)
	_ caddy.CleanerUpper          = (*Verifier)(nil)
	_ caddyhttp.MiddlewareHandler = (*Verifier)(nil)
)
