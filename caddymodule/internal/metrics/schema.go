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
				if s.SchemaDrift == nil {
					return
				}
				for _, c := range s.SchemaDrift.Events {
					emit(float64(c.Events), c.Source, c.Kind)
				}
			}),
	}
}
