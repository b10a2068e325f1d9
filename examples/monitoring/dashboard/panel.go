package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// row is a row of panels below a title.
type row struct {
	title  string
	panels []cog.Builder[dashboard.Panel]
}

// query is an expression, and how its series are named: {{label}} stands for a label's value.
type query struct{ expr, legend string }

// Units of Grafana.
const (
	unitSeconds   = "s"
	unitBytes     = "bytes"
	unitCount     = "short"
	unitPerSecond = "ops"
)

// source is where the panels ask.
func source() common.DataSourceRef {
	return common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

// choice is a variable whose values are those that a label of a metric has.
func choice(label, title, metric string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(label).
		Label(title).
		Datasource(source()).
		Query(dashboard.StringOrMap{String: new("label_values(" + metric + ", " + label + ")")}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Multi(true).
		IncludeAll(true).
		AllValue(".*")
}

func targets(queries []query) []cog.Builder[variants.Dataquery] {
	list := make([]cog.Builder[variants.Dataquery], len(queries))
	for i, q := range queries {
		list[i] = prometheus.NewDataqueryBuilder().
			RefId(string(rune('A' + i))).Datasource(source()).Expr(q.expr).LegendFormat(q.legend)
	}
	return list
}

// graph is a panel of lines over time.
func graph(title, help, unit string, queries ...query) *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().
		Title(title).Description(help).Unit(unit).Min(0).Span(8).Height(8).
		Datasource(source()).
		FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Targets(targets(queries))
}

// number is a panel of one number now. It is green, and red from a limit on; below: red below it.
func number(title, help, unit string, limit float64, below bool, queries ...query) *stat.PanelBuilder {
	low, high := "green", "red"
	if below {
		low, high = high, low
	}
	return stat.NewPanelBuilder().
		Title(title).Description(help).Unit(unit).Span(4).Height(4).
		Datasource(source()).
		GraphMode(common.BigValueGraphModeNone).
		ColorMode(common.BigValueColorModeBackground).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).
			Steps([]dashboard.Threshold{{Color: low}, {Color: high, Value: &limit}})).
		Targets(targets(queries))
}
