package metrics

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func TestLossMetrics(t *testing.T) {
	sources := map[string]float64{
		"loss_clock_seconds": 150, "pending_redeliveries": 2, "lost_deliveries_total": 3, "unverified_refused_total": 4,
	}
	all := maps.Clone(sources)
	all["downtime_seconds_total"], all["downtime_lost_seconds_total"] = 200, 25
	unknown := sample()
	unknown.Downtime = api.Downtime{State: api.DowntimeUnknown, Why: "the clock went back"}
	for name, tc := range map[string]struct {
		status api.Status
		want   map[string]float64
	}{
		"all is known":        {sample(), all},
		"the downtime is not": {unknown, sources},
	} {
		t.Run(name, func(t *testing.T) {
			families, err := registered(t, New(), tc.status).Gather()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{}
			for _, f := range families {
				name := strings.TrimPrefix(f.GetName(), prefix)
				if _, ok := all[name]; ok {
					got[name] = f.Metric[0].GetGauge().GetValue() + f.Metric[0].GetCounter().GetValue()
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
