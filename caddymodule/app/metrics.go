package app

import (
	"context"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// Metrics says what is exported to Prometheus, in Caddy's own registry.
type Metrics struct {
	// Nothing is exported, and nothing that only metrics need is measured. Default: false.
	Disabled bool `json:"disabled,omitempty"`
}

func (m *Metrics) off() bool { return m != nil && m.Disabled }

// exportMetrics puts the metrics, which belong to the engine, into the registry of this config.
func (a *App) exportMetrics(ctx caddy.Context) error {
	registry := ctx.GetMetricsRegistry()
	if registry == nil || a.Metrics.off() {
		return nil // without a registry it is a context that was made by hand, as in tests
	}
	if err := registry.Register(a.ref.metrics.Collector(a.ref.status)); err != nil {
		return fmt.Errorf("registering the metrics: %w", err)
	}
	return nil
}

// status is how things stand for the newest config, and whether there is one.
func (s *sharedEngine) status(ctx context.Context) (api.Status, bool) {
	app := s.newest()
	if app == nil {
		return api.Status{}, false
	}
	running := app.running()
	return running.Status(ctx), true
}
