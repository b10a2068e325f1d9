package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// process is about Caddy's own process. Handlers are processes of their own, which are not in it.
func process() row {
	return row{"Caddy", []cog.Builder[dashboard.Panel]{
		graph("Memory", "Resident, of Caddy without its handlers.", unitBytes,
			query{`process_resident_memory_bytes{` + byInstance + `}`, "{{instance}}"}),
		graph("Processor", "Cores in use, by Caddy without its handlers.", unitCount,
			query{`rate(process_cpu_seconds_total{` + byInstance + `}[$__rate_interval])`, "{{instance}}"}),
		graph("Bodies in arrival", "Memory that they take, and its limit.", unitBytes,
			query{`caddy_smartcar_body_memory_bytes{` + byInstance + `}`, "{{instance}}: taken"},
			query{`caddy_smartcar_body_memory_limit_bytes{` + byInstance + `}`, "{{instance}}: limit"}),
	}}
}
