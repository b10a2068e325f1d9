package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// Buffer returns what observes the buffer.
func (m *Metrics) Buffer() buffer.Observer { return bufferObserver{m} }

type bufferObserver struct{ m *Metrics }

// Synced implements buffer.Observer.
func (o bufferObserver) Synced(took time.Duration, events int) {
	if !o.m.on.Load() {
		return
	}
	o.m.live.sync.Observe(took.Seconds())
	if events > 0 {
		o.m.live.syncBatch.Observe(float64(events))
	}
}

// Handler returns what observes a handler's events.
func (m *Metrics) Handler(name string) dispatch.Observer {
	return &handlerObserver{on: &m.on, done: m.live.done.WithLabelValues(name),
		attempts: m.live.attempts.WithLabelValues(name)}
}

type handlerObserver struct {
	on             *atomic.Bool
	done, attempts prometheus.Observer
}

// Settled implements dispatch.Observer.
func (o *handlerObserver) Settled(s dispatch.Settled) {
	if !o.on.Load() {
		return
	}
	o.attempts.Observe(float64(s.Attempts))
	if s.Done && !s.Replayed {
		o.done.Observe(s.Age.Seconds())
	}
}
