package caddymodule

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

// AdminAPI is what operators ask and order: status, events, dead letters, replays, and
// pausing handlers, as JSON below `/smartcar/` on Caddy's admin endpoint. It needs no
// configuration; `caddy smartcar status` and its sisters use it. All of it is described
// in docs/operating.md.
type AdminAPI struct {
	// app finds the newest config's app at the time of a request: this module is made
	// before the apps of its own config, and outlives some of them.
	app func() (*App, error)
}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.smartcar",
		New: func() caddy.Module { return &AdminAPI{app: activeApp} },
	}
}

// Routes implements caddy.AdminRouter.
func (a *AdminAPI) Routes() []caddy.AdminRoute {
	routes := adminRoutes()
	served := make([]caddy.AdminRoute, 0, len(routes)+1)
	for _, route := range routes {
		served = append(served, caddy.AdminRoute{Pattern: route.pattern, Handler: a.handler(route)})
	}
	return append(served, caddy.AdminRoute{Pattern: adminPrefix, Handler: caddy.AdminHandlerFunc(unknownAdminPath)})
}

var (
	errStarting = caddy.APIError{
		HTTPStatus: http.StatusServiceUnavailable,
		Err:        errors.New("the first config is still being loaded: ask again in a moment"),
	}
	errNoApp = caddy.APIError{
		HTTPStatus: http.StatusNotFound,
		Err: errors.New("the running config has no Smartcar app:" +
			" load one with the directive smartcar_webhook or the global option smartcar"),
	}
)

// activeApp returns the app of the config that is in force. While Caddy loads its first
// config, which may wait for a slow plugin, that is the app that has begun to start.
func activeApp() (*App, error) {
	ctx := caddy.ActiveContext()
	if ctx.Context == nil {
		if app := startingApp(); app != nil {
			return app, nil
		}
		return nil, errStarting
	}
	mod, err := ctx.AppIfConfigured(appName)
	if err != nil {
		return nil, errNoApp
	}
	app, ok := mod.(*App)
	if !ok || app.ref == nil {
		return nil, errNoApp
	}
	return app, nil
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

// Interface guards.
var (
	_ caddy.Module      = (*AdminAPI)(nil)
	_ caddy.AdminRouter = (*AdminAPI)(nil)
)
