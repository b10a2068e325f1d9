package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// safety is the row to look at first: whether anything is lost, refused or late.
func safety() row {
	return row{"Is everything safe?", []cog.Builder[dashboard.Panel]{
		number("Receiving", "1: events are taken at each edge. 0: refused, or they do not come to a receiver.", unitCount, 1, true,
			query{`min(caddy_smartcar_receiving{instance=~"$instance"})`, "receiving"}),
		number("Loss clock", "How long until Smartcar gives up on the oldest delivery that was refused. 175 s: there is none.",
			unitSeconds, 150, true,
			query{`min(caddy_smartcar_loss_clock_seconds{instance=~"$instance", source=~"$source"})`, "left"}),
		number("Lost in 24 h", "Deliveries that could not be stored, and did not come again in time.", unitCount, 1, false,
			query{`sum(increase(caddy_smartcar_lost_deliveries_total{instance=~"$instance", source=~"$source"}[24h]))`, "lost"}),
		number("Needs attention", "Lines of `caddy smartcar status` that need attention.", unitCount, 1, false,
			query{`sum(caddy_smartcar_attention{instance=~"$instance"})`, "items"}),
		number("Oldest waiting event", "How late the slowest handler is.", unitSeconds, 900, false,
			query{`max(caddy_smartcar_handler_behind_seconds{instance=~"$instance", handler=~"$handler"})`, "late"}),
		number("Room left", "How long the buffer lasts at the present rate of growth.", unitSeconds, 86400, true,
			query{`min(caddy_smartcar_buffer_headroom_seconds{instance=~"$instance"})`, "left"}),
	}}
}
