// Package admin is the admin API `admin.api.smartcar`: what an operator asks and orders, as
// JSON below /smartcar/ on Caddy's admin endpoint.
package admin

import (
	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func init() { caddy.RegisterModule(new(API)) }

// API answers what operators ask and request: health, status, events, dead letters, replays, and
// pausing handlers, as JSON below `/smartcar/` on Caddy's admin endpoint. It needs no
// configuration; `caddy smartcar status` and its sisters use it. All of it is described
// in docs/admin-api.md.
type API struct {
	// running finds the newest config's app at the time of a request: this module is made
	// before the apps of its own config, and outlives some of them.
	running func() (app.Running, error)
	// explaining has room for one explanation of a signature, which may take hundreds of megabytes for a moment.
	explaining chan struct{}
}

func newAPI(running func() (app.Running, error)) *API {
	return &API{running: running, explaining: make(chan struct{}, 1)}
}

// CaddyModule returns the Caddy module information.
func (*API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.smartcar",
		New: func() caddy.Module { return newAPI(app.Active) },
	}
}

// Routes implements caddy.AdminRouter.
func (a *API) Routes() []caddy.AdminRoute {
	var served []caddy.AdminRoute
	for _, route := range healthRoutes() {
		served = append(served, caddy.AdminRoute{Pattern: route.Pattern, Handler: route.handler()})
	}
	for _, route := range routes() {
		served = append(served, caddy.AdminRoute{Pattern: route.Pattern, Handler: a.handler(route)})
	}
	return append(served, caddy.AdminRoute{Pattern: api.Prefix, Handler: caddy.AdminHandlerFunc(unknownPath)})
}

// Interface guards.
var (
	_ caddy.Module      = (*API)(nil)
	_ caddy.AdminRouter = (*API)(nil)
)
