package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// vehicles is about the cars, never about one of them: `caddy smartcar vehicles` is.
func vehicles() row {
	return row{"Vehicles", []cog.Builder[dashboard.Panel]{
		graph("Vehicles", "Those that are known, in error, and silent.", unitCount,
			query{`sum(caddy_smartcar_vehicles{` + bySource + `})`, "known"},
			query{`sum(caddy_smartcar_vehicles_in_error{` + bySource + `})`, "in error"},
			query{`sum(caddy_smartcar_vehicles_silent{` + bySource + `})`, "silent"}),
		graph("New errors", "VEHICLE_ERROR by type and code.", unitCount,
			query{`sum by (type, code) (increase(caddy_smartcar_vehicle_errors_total{` + bySource +
				`, state="ERROR"}[$__rate_interval])) > 0`, "{{type}} {{code}}"}),
		graph("Since the last event", "A webhook that was disabled looks like cars that stand still.", unitSeconds,
			query{`caddy_smartcar_last_event_age_seconds{` + bySource + `}`, "{{source}}"}),
	}}
}
