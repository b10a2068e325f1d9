package admin

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// healthRoute answers also while there is no app: to service managers and load balancers, and to who looks for the reason.
type healthRoute struct {
	Pattern string
	answer  func(http.ResponseWriter, *http.Request) error
}

func healthRoutes() []healthRoute {
	return []healthRoute{
		{api.Prefix + "ready", func(w http.ResponseWriter, _ *http.Request) error {
			api.WriteReady(w, app.NotReady())
			return nil
		}},
		{api.Prefix + "live", func(w http.ResponseWriter, _ *http.Request) error {
			api.WriteLive(w, app.NotLive())
			return nil
		}},
		{api.Prefix + "diagnose", func(w http.ResponseWriter, r *http.Request) error {
			return writeJSON(w, diagnose(r.Context(), app.Active))
		}},
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
		return route.answer(w, r)
	})
}
