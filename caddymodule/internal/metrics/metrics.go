// Package metrics exports to Prometheus how things stand and how long they take. Names begin with caddy_smartcar_, units
// are seconds and bytes. No label holds what comes from outside, such as a vehicle, a user, a webhook's name or an
// unknown event type, so the number of series is bounded by the configuration.
package metrics

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// collectTimeout bounds what a scrape waits for the status. Prometheus waits 10 s by default.
const collectTimeout = 5 * time.Second

// Metrics is a collector that outlives reloads: each config registers it in the registry of its own, and nothing counts
// from 0 again.
type Metrics struct {
	families []family
	live     live
	on       atomic.Bool
}

// StatusFunc returns how things stand, and reports whether it can be said: not before there is a config.
type StatusFunc func(ctx context.Context) (api.Status, bool)

// New returns the metrics of an engine.
func New() *Metrics {
	m := &Metrics{live: newLive()}
	m.on.Store(true)
	for _, list := range [][]family{
		receivingFamilies(), bufferFamilies(), handlerFamilies(), lossFamilies(), vehicleFamilies(), schemaFamilies(), quarantineFamilies(),
	} {
		m.families = append(m.families, list...)
	}
	return m
}

// Switch turns the measuring of what only metrics need on or off. It is on at first.
func (m *Metrics) Switch(on bool) { m.on.Store(on) }

// Collector returns what a config registers. status is asked at each scrape.
func (m *Metrics) Collector(status StatusFunc) prometheus.Collector {
	return collector{m, status}
}

// collector is the metrics with a way to ask for the status.
type collector struct {
	*Metrics
	status StatusFunc
}

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for i := range c.families {
		out <- c.families[i].desc
	}
	for _, l := range c.live.all() {
		l.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, l := range c.live.all() {
		l.Collect(out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	s, ok := c.status(ctx)
	if !ok {
		return
	}
	for i := range c.families {
		c.families[i].collect(&s, out)
	}
}
