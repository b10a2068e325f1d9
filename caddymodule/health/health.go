// Package health is the Caddy handler `smartcar_health`: it tells a load balancer whether this Caddy takes webhooks.
package health

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func init() {
	caddy.RegisterModule(new(Health))
	httpcaddyfile.RegisterHandlerDirective(directiveName, parseDirective)
	// After `route`, so before the receiver whichever of the two is registered first: a receiver without a matcher takes
	// all that comes to it.
	httpcaddyfile.RegisterDirectiveOrder(directiveName, httpcaddyfile.After, "route")
}

// Kinds of questions.
const (
	kindReady = "ready"
	kindLive  = "live"
)

// Health answers GET and HEAD with 200 or 503 and a small JSON object; other methods go to the next handler, so that a
// webhook passes. It says no more than one word of how things stand, since a site may be public.
type Health struct {
	// What is asked: `ready`, whether a webhook that came now would be stored, which goes by the buffer and not by
	// handlers; or `live`, whether the process goes on. Both say no from the moment on when Caddy is told to stop.
	// Default: `ready`.
	Kind string `json:"kind,omitempty"`

	// notReady and notLive return why not, in one word.
	notReady, notLive func() string
}

// CaddyModule returns the Caddy module information.
func (*Health) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.smartcar_health",
		New: func() caddy.Module { return new(Health) },
	}
}

// Provision checks the config. Only `ready` needs the app.
func (h *Health) Provision(ctx caddy.Context) error {
	if h.Kind == "" {
		h.Kind = kindReady
	}
	if err := checkKind(h.Kind); err != nil {
		return err
	}
	h.notLive = app.NotLive
	if h.Kind == kindLive {
		return nil
	}
	mod, err := ctx.App(app.Name)
	if err != nil {
		return err
	}
	smartcarApp, ok := mod.(*app.App)
	if !ok {
		return fmt.Errorf("app %q is a %T, which %s does not know", app.Name, mod, directiveName)
	}
	h.notReady = smartcarApp.NotReady
	return nil
}

var errKind = errors.New("must be ready or live")

func checkKind(kind string) error {
	if kind != kindReady && kind != kindLive {
		return fmt.Errorf("%s %q: %w", directiveName, kind, errKind)
	}
	return nil
}

// ServeHTTP answers a question.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return next.ServeHTTP(w, r)
	}
	if h.Kind == kindLive {
		api.WriteLive(w, h.notLive())
		return nil
	}
	api.WriteReady(w, h.notReady())
	return nil
}

// Interface guards.
var (
	_ caddy.Module                = (*Health)(nil)
	_ caddy.Provisioner           = (*Health)(nil)
	_ caddyhttp.MiddlewareHandler = (*Health)(nil)
)
