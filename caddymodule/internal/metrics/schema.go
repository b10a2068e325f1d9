package metrics

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// schemaFamilies are about what this version does not know of events.
func schemaFamilies() []family {
	return []family{
		counter("schema_drift_total", "Examined events with something that this version does not know. kind is event_type,"+
			" signal_code, error_code or field. At most 50 events of a source are examined in a second.",
			[]string{"source", "kind"}, func(s *api.Status, emit emitter) {
				// All kinds from the beginning: an increase from nothing is none for Prometheus.
				events := map[[2]string]uint64{}
				for i := range s.Sources {
					for _, kind := range api.DriftKinds() {
						events[[2]string{s.Sources[i].Name, kind}] = 0
					}
				}
				if s.SchemaDrift != nil {
					for _, c := range s.SchemaDrift.Events {
						events[[2]string{c.Source, c.Kind}] = c.Events
					}
				}
				for labels, n := range events {
					emit(float64(n), labels[:]...)
				}
			}),
	}
}
