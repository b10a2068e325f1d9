package metrics

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// registered returns the registry that Caddy would make, with the metrics of a status.
func registered(t *testing.T, s api.Status) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	status := func(context.Context) (api.Status, bool) { return s, true }
	if err := registry.Register(New().Collector(status)); err != nil {
		t.Fatal(err)
	}
	return registry
}

// sample is a status with something of everything.
func sample() api.Status {
	return api.Status{
		Receiving: api.Receiving{Healthy: true, State: "open"},
		Sources: []api.Source{{Name: "default", SourceCounts: api.SourceCounts{
			Stored: 5, Unreadable: 1, Duplicates: 2, Differing: 1, Verified: 3,
			Refused: map[string]uint64{"signature_mismatch": 4},
		}}},
		Connections: api.Connections{Open: 1, Opened: 9},
		Buffer:      api.Buffer{Events: 5, Bytes: 1 << 20, LimitBytes: 10 << 30, DeadLetters: 1, Syncs: 4},
		Handlers: []api.Handler{{
			Name: "app", State: "ok", Plugin: api.Plugin{Name: "http", Up: true, Restarts: 2},
			Behind: api.Behind{Events: 7, Seconds: 1.5}, Counts: api.HandlerCounts{Delivered: 3, Dead: 1},
		}},
		Attention: []api.Attention{{Level: api.LevelWarning}},
	}
}

// Names, units and help texts are as Prometheus wants them.
func TestNames(t *testing.T) {
	problems, err := testutil.GatherAndLint(registered(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
