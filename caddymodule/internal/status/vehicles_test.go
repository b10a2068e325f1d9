package status

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/schema"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/vehicles"
)

func TestSilence(t *testing.T) {
	const day = 24 * time.Hour
	usual := SilenceAlerts{Sources: []string{"production"}, SourceSilent: day, Usual: true}
	chosen := SilenceAlerts{Sources: []string{"production"}, SourceSilent: day}
	share := SilenceAlerts{Sources: []string{"production"}, SilentShare: 0.2}
	fleetOf := func(n int, last time.Duration) vehicles.SourceSummary {
		return vehicles.SourceSummary{Source: "production", Vehicles: n, Lately: n, LastEvent: noon.Add(-last)}
	}
	silent := func(c vehicles.SourceSummary, n int) vehicles.SourceSummary {
		c.LatelySilent = n
		return c
	}
	up := func(v *api.Status) { v.Since = noon.Add(-3 * time.Hour) }
	for _, test := range []struct {
		name   string
		alerts SilenceAlerts
		counts vehicles.SourceSummary
		change func(*api.Status)
		want   string // in What; "": nothing
	}{
		{"a fleet that is silent", usual, fleetOf(10, 25*time.Hour), up, "production: no event has come for 25h00m, of any of 10 vehicles"},
		{"a fleet that is not", usual, fleetOf(10, 23*time.Hour), up, ""},
		{"a few cars", usual, fleetOf(9, 25*time.Hour), up, ""},
		{"a few cars, and a value that was chosen", chosen, fleetOf(1, 25*time.Hour), up, "of any of 1 vehicle"},
		{"never", share, fleetOf(100, 25*time.Hour), up, ""},
		{"just after the start", usual, fleetOf(10, 25*time.Hour), func(v *api.Status) { v.Since = noon.Add(-59 * time.Minute) }, ""},
		{"an event has come since they were counted", usual, fleetOf(10, 25*time.Hour), func(v *api.Status) {
			up(v)
			v.Sources = []api.Source{{Name: "production", SourceCounts: api.SourceCounts{LastStored: noon.Add(-time.Minute)}}}
		}, ""},
		{"nothing can come", usual, fleetOf(10, 25*time.Hour), func(v *api.Status) {
			up(v)
			v.Receiving.Healthy = false
		}, ""},
		{"a source that no receiver has", SilenceAlerts{SourceSilent: day, SilentShare: 0.1}, silent(fleetOf(10, 25*time.Hour), 10), up, ""},
		{"many vehicles", share, silent(fleetOf(50, time.Minute), 10), up, "production: nothing was heard for 24h of 10 of the 50 vehicles of the last week"},
		{"not so many", share, silent(fleetOf(50, time.Minute), 9), up, ""},
		{"many of a few", share, silent(fleetOf(9, time.Minute), 9), up, ""},
		{"many, and nobody wants to know", usual, silent(fleetOf(50, time.Minute), 50), up, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := api.Status{At: noon, Receiving: api.Receiving{Healthy: true}, Healthy: true}
			test.change(&v)
			AddVehicles(&v, vehicles.Summary{State: vehicles.StateKept, SilentAfter: day, Sources: []vehicles.SourceSummary{test.counts}}, test.alerts)
			if test.want == "" {
				if len(v.Attention) > 0 {
					t.Errorf("%+v", v.Attention)
				}
				return
			}
			if len(v.Attention) != 1 || !strings.Contains(v.Attention[0].What, test.want) || v.Healthy {
				t.Errorf("healthy %t: %+v", v.Healthy, v.Attention)
			}
		})
	}
}

func TestVehiclesThatCannotBeKept(t *testing.T) {
	v := api.Status{Receiving: api.Receiving{Healthy: true}, Healthy: true}
	AddVehicles(&v, vehicles.Summary{State: vehicles.StateFailed, Err: errors.New("no space\nstack")}, SilenceAlerts{})
	if !v.Healthy || len(v.Notices) != 1 || !strings.HasSuffix(v.Notices[0].What, "no space") || v.Vehicles.State != "failed" {
		t.Errorf("%+v", v)
	}
}

func TestSchemaDrift(t *testing.T) {
	var v api.Status
	AddSchemaDrift(&v, schema.Report{})
	if len(v.Notices) > 0 || v.SchemaDrift != nil {
		t.Errorf("of nothing: %+v", v)
	}
	r := schema.Report{
		Names:  []schema.Name{{Kind: schema.KindSignalCode, Name: "charge-flux", Events: 3, First: noon, Last: noon}},
		Counts: []schema.Count{{Source: "production", Kind: schema.KindSignalCode, Events: 3}},
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		r.Names = append(r.Names, schema.Name{Kind: schema.KindField, Name: "data." + name})
	}
	AddSchemaDrift(&v, r)
	const want = "Smartcar sends what this version does not know: signal charge-flux, field data.a, field data.b, field data.c," +
		" field data.d and 1 more (--json)"
	if len(v.Notices) != 1 || v.Notices[0].What != want || len(v.SchemaDrift.Names) != 6 {
		t.Errorf("%+v", v)
	}
	for _, k := range schema.Kinds() {
		if kindWords[k] == "" {
			t.Errorf("%s has no word", k)
		}
	}
}
