package metrics

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// BenchmarkRequest is what one event costs that is stored.
func BenchmarkRequest(b *testing.B) {
	for name, on := range map[string]bool{"on": true, "off": false} {
		b.Run(name, func(b *testing.B) {
			m := New()
			m.Switch(on)
			source := m.Source("default")
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					t := source.Begin()
					t.BodyRead()
					begun := t.Now()
					t.Stored(begun)
					t.Answered()
				}
			})
		})
	}
}

// BenchmarkScrape is what one scrape costs, but for asking for the status.
func BenchmarkScrape(b *testing.B) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(observed(New()).Collector(func(context.Context) (api.Status, bool) { return sample(), true }))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
