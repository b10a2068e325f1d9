package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// prefix of all names.
const prefix = "caddy_smartcar_"

// family is one metric that is read from the status at each scrape, with all its labels.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	// values hands each value to emit, with the values of the labels in their order.
	values func(s *api.Status, emit emitter)
}

// emitter takes one value and the values of its labels.
type emitter func(value float64, labels ...string)

// gauge is a family of values that go up and down.
func gauge(name, help string, labels []string, values func(*api.Status, emitter)) family {
	return family{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.GaugeValue, values}
}

// counter is a family of values that only grow.
func counter(name, help string, labels []string, values func(*api.Status, emitter)) family {
	return family{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.CounterValue, values}
}

func (f *family) collect(s *api.Status, out chan<- prometheus.Metric) {
	f.values(s, func(value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
	})
}

// one is a family's only value.
func one(value func(*api.Status) float64) func(*api.Status, emitter) {
	return func(s *api.Status, emit emitter) { emit(value(s)) }
}

// rising is a value that never falls, where a little of what is counted may be taken back. Prometheus would take a fall
// for a restart, and count all of it anew.
func rising(value func(*api.Status) float64) func(*api.Status) float64 {
	var mu sync.Mutex
	most := 0.0
	return func(s *api.Status) float64 {
		mu.Lock()
		defer mu.Unlock()
		most = max(most, value(s))
		return most
	}
}

// states emits 1 for the state that holds and 0 for the others, so that a query can count how long each holds.
func states(emit emitter, known []string, now string, labels ...string) {
	for _, state := range known {
		value := 0.0
		if state == now {
			value = 1
		}
		emit(value, append(labels[:len(labels):len(labels)], state)...)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
