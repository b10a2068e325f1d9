package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// quantiles are the median and the 99th percentile of a histogram.
func quantiles(metric, selector string) []query {
	of := func(q string) string {
		return `histogram_quantile(` + q + `, sum by (le) (rate(` + metric + `_bucket{` + selector + `}[$__rate_interval])))`
	}
	return []query{{of("0.5"), "median"}, {of("0.99"), "99 %"}}
}

const bySource = `instance=~"$instance", source=~"$source"`

// receiving is about what comes from Smartcar, and how it is answered.
func receiving() row {
	return row{"Receiving", []cog.Builder[dashboard.Panel]{
		graph("Deliveries", "By what became of them.", unitPerSecond,
			query{`sum by (outcome) (rate(caddy_smartcar_deliveries_total{` + bySource + `}[$__rate_interval]))`, "{{outcome}}"}),
		graph("Refused", "By the code of the answer.", unitPerSecond,
			query{`sum by (reason) (rate(caddy_smartcar_deliveries_total{` + bySource +
				`, outcome="refused"}[$__rate_interval])) > 0`, "{{reason}}"}),
		graph("LIVE events refused", "Requests that claim to be LIVE and fit no token.", unitPerSecond,
			query{`sum by (source) (rate(caddy_smartcar_live_refused_total{` + bySource + `}[$__rate_interval]))`, "{{source}}"},
			query{`caddy_smartcar_live_all_refused{` + bySource + `}`, "{{source}}: all"}),
		graph("Time to answer", "From the request to the whole answer. Smartcar asks for 200 ms and waits 15 s.", unitSeconds,
			quantiles("caddy_smartcar_answer_duration_seconds", bySource)...),
		graph("Time to store", "The part of it that waits for the disk.", unitSeconds,
			quantiles("caddy_smartcar_store_duration_seconds", bySource)...),
		graph("Signatures by token", "The position of the token that matched. During a rotation: who still signs with the old one.",
			unitPerSecond,
			query{`sum by (source, token) (rate(caddy_smartcar_signature_matches_total{` + bySource + `}[$__rate_interval]))`,
				"{{source}}: token {{token}}"}),
		graph("Waiting to come again", "Deliveries that were refused although their signature was right.", unitCount,
			query{`caddy_smartcar_pending_redeliveries{` + bySource + `}`, "{{source}}"}),
	}}
}
