package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const byInstance = `instance=~"$instance"`

// storing is about the buffer.
func storing() row {
	return row{"Buffer", []cog.Builder[dashboard.Panel]{
		graph("Size", "What is stored, and max_size.", unitBytes,
			query{`caddy_smartcar_buffer_bytes{` + byInstance + `}`, "{{instance}}: stored"},
			query{`caddy_smartcar_buffer_limit_bytes{` + byInstance + `}`, "{{instance}}: max_size"}),
		graph("Time of a sync", "Each answer waits for one; several events share it.", unitSeconds,
			quantiles("caddy_smartcar_buffer_sync_duration_seconds", byInstance)...),
		graph("Events in a sync", "On average.", unitCount,
			query{`sum by (instance) (rate(caddy_smartcar_buffer_sync_batch_events_sum{` + byInstance + `}[$__rate_interval]))` +
				` / sum by (instance) (rate(caddy_smartcar_buffer_sync_batch_events_count{` + byInstance + `}[$__rate_interval]))`,
				"{{instance}}"}),
		graph("Oldest event", "How far back a replay can go.", unitSeconds,
			query{`caddy_smartcar_buffer_oldest_event_age_seconds{` + byInstance + `}`, "{{instance}}"}),
		graph("Dead letters", "Those that are stored.", unitCount,
			query{`caddy_smartcar_buffer_dead_letters{` + byInstance + `}`, "{{instance}}"}),
		graph("Room left", "What can still be stored before events are refused.", unitBytes,
			query{`caddy_smartcar_buffer_headroom_bytes{` + byInstance + `}`, "{{instance}}"}),
	}}
}
