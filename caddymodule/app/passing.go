package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Passer is what passes events on to an application and stores none, as the app sees it.
type Passer struct {
	Source string
	Keys   *smartcar.Keys
	// Tokens are what is known of the use of each of its tokens.
	Tokens []*traffic.Token
}

// IfConfigured returns the app of the config that is being loaded, nil where nothing asks for one: it would open a buffer.
// The global option does, and so does a receiver or a `smartcar_health` of any server, whether Caddy has set that up yet
// or not: it sets servers up in no order.
func IfConfigured(ctx caddy.Context) (*App, error) {
	load := ctx.AppIfConfigured
	if isAskedFor(ctx) {
		load = ctx.App
	}
	mod, err := load(Name)
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a, ok := mod.(*App)
	if !ok {
		return nil, fmt.Errorf("app %q is a %T, which this handler does not know", Name, mod)
	}
	return a, nil
}

// asking are the handlers that make the app where the config has none.
var asking = []string{"smartcar_webhook", "smartcar_health"}

// isAskedFor reports whether a server that Caddy has not set up yet asks for the app, or the rest of the one that is being
// set up with ctx. Those that are set up have made it.
func isAskedFor(ctx caddy.Context) bool {
	for _, module := range ctx.Modules() {
		http, ok := module.(*caddyhttp.App)
		if !ok {
			continue
		}
		for _, server := range http.Servers {
			if serverAsks(server) {
				return true
			}
		}
	}
	return false
}

// serverAsks looks at the handlers that are still in JSON, wherever they stand: in routes, in those of errors, in named
// ones, and within others.
func serverAsks(server *caddyhttp.Server) bool {
	routes := slices.Clone(server.Routes)
	if server.Errors != nil {
		routes = append(routes, server.Errors.Routes...)
	}
	for _, named := range server.NamedRoutes {
		routes = append(routes, *named)
	}
	for i := range routes {
		for _, raw := range routes[i].HandlersRaw {
			var handler any
			if json.Unmarshal(raw, &handler) == nil && asks(handler) {
				return true
			}
		}
	}
	return false
}

// asks looks through JSON for a handler that asks.
func asks(value any) bool {
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, asks)
	case map[string]any:
		if name, ok := v["handler"].(string); ok && slices.Contains(asking, name) {
			return true
		}
		for _, inner := range v {
			if asks(inner) {
				return true
			}
		}
	}
	return false
}

// JoinPassing makes known who passes events on: its source is shown like that of a receiver, and the sites of the server
// that is being set up with ctx are looked at as with Join.
func (a *App) JoinPassing(ctx caddy.Context, p Passer) error {
	if !slices.Contains(a.passing, p.Source) {
		a.passing = append(a.passing, p.Source)
	}
	a.keys.Add(p.Source, p.Keys)
	a.accepted.Add(p.Source, p.Tokens)
	return a.warned.Sites(ctx, a.log)
}
