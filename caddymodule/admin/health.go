package admin

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// healthRoute is asked by service managers and load balancers, also while there is no app.
type healthRoute struct {
	Pattern string
	answer  func(http.ResponseWriter)
}

func healthRoutes() []healthRoute {
	return []healthRoute{
		{api.Prefix + "ready", func(w http.ResponseWriter) { api.WriteReady(w, app.NotReady()) }},
		{api.Prefix + "live", func(w http.ResponseWriter) { api.WriteLive(w, app.NotLive()) }},
	}
}

func (route healthRoute) handler() caddy.AdminHandler {
	known := get(nil, nil)
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := methodOf(known, w, r); err != nil {
			return err
		}
		if _, err := parseParams(r.URL.RawQuery, nil); err != nil {
			return err
		}
		route.answer(w)
		return nil
	})
}
