// Command dashboard prints the Grafana dashboard of this folder as JSON:
//
//	go run ./examples/monitoring/dashboard > examples/monitoring/dashboard.json
//
// Each row has a file of its own; to change the board, change it there.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	board, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the dashboard:", err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(board); err != nil {
		fmt.Fprintln(os.Stderr, "writing the dashboard:", err)
		os.Exit(1)
	}
}

// build returns the dashboard as JSON.
func build() ([]byte, error) {
	//nolint:staticcheck // Its successor needs Grafana 12, and this one is imported by all of them.
	b := dashboard.NewDashboardBuilder("Smartcar webhooks").
		Uid("caddy-smartcar").
		Description("Whether events are safe, late or refused, and what to do: runbook.md beside this dashboard").
		Tags([]string{"smartcar", "caddy"}).
		Refresh("30s").
		Time("now-3h", "now").
		Readonly().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(choice("instance", "Edge", "caddy_smartcar_receiving")).
		WithVariable(choice("source", "Source", "caddy_smartcar_deliveries_total")).
		WithVariable(choice("handler", "Handler", "caddy_smartcar_handler_behind_events"))
	for _, row := range []row{safety(), receiving(), storing(), delivering(), vehicles(), process()} {
		b.WithRow(dashboard.NewRowBuilder(row.title))
		for _, panel := range row.panels {
			b.WithPanel(panel)
		}
	}
	board, err := b.Build()
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(board, "", "  ")
	return append(out, '\n'), err
}
