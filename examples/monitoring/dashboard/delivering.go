package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const byHandler = `instance=~"$instance", handler=~"$handler"`

// delivering is about the handlers.
func delivering() row {
	return row{"Handlers", []cog.Builder[dashboard.Panel]{
		graph("Waiting events", "Stored and not settled. They are safe.", unitCount,
			query{`caddy_smartcar_handler_behind_events{` + byHandler + `}`, "{{handler}}"}),
		graph("Late by", "How old the oldest event is that waits.", unitSeconds,
			query{`caddy_smartcar_handler_behind_seconds{` + byHandler + `}`, "{{handler}}"}),
		graph("Deliveries", "By what came of them.", unitPerSecond,
			query{`sum by (handler, result) (rate(caddy_smartcar_handler_deliveries_total{` + byHandler + `}[$__rate_interval]))`,
				"{{handler}}: {{result}}"}),
		graph("From receipt to done", "What users of the data wait for.", unitSeconds,
			quantiles("caddy_smartcar_handler_done_duration_seconds", byHandler)...),
		graph("State", "What is not ok.", unitCount,
			query{`sum by (handler, state) (caddy_smartcar_handler_state{` + byHandler + `, state!="ok"}) > 0`,
				"{{handler}}: {{state}}"}),
		graph("Vehicles that wait", "An event of each has failed; the events behind it keep their order.", unitCount,
			query{`caddy_smartcar_handler_lanes_waiting{` + byHandler + `}`, "{{handler}}"}),
		graph("New dead letters", "By reason.", unitCount,
			query{`sum by (handler, reason) (increase(caddy_smartcar_handler_dead_letters_total{` + byInstance +
				`}[$__rate_interval])) > 0`, "{{handler}}: {{reason}}"}),
		graph("Plugin restarts", "A plugin that ends by itself is started again.", unitCount,
			query{`increase(caddy_smartcar_handler_plugin_restarts_total{` + byHandler + `}[$__rate_interval])`, "{{handler}}"}),
		graph("Attempts", "How many an event took until it was settled, on average.", unitCount,
			query{`sum by (handler) (rate(caddy_smartcar_handler_delivery_attempts_sum{` + byHandler + `}[$__rate_interval]))` +
				` / sum by (handler) (rate(caddy_smartcar_handler_delivery_attempts_count{` + byHandler + `}[$__rate_interval]))`,
				"{{handler}}"}),
	}}
}
