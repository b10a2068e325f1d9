package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
)

// AdminAPI is what operators ask and order: status, events, dead letters, replays, and
// pausing handlers, as JSON below `/smartcar/` on Caddy's admin endpoint. It needs no
// configuration; `caddy smartcar status` and its sisters use it. All of it is described
// in docs/operating.md.
type AdminAPI struct {
	// running finds the newest config's app at the time of a request: this module is made
	// before the apps of its own config, and outlives some of them.
	running func() (Running, error)
}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.smartcar",
		New: func() caddy.Module { return &AdminAPI{running: active} },
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

// Interface guards.
var (
	_ caddy.Module      = (*AdminAPI)(nil)
	_ caddy.AdminRouter = (*AdminAPI)(nil)
)
