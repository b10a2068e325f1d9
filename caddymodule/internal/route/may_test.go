package route

import "testing"

// Whether a handler may get errors is known from its when, as far as type and source decide it.
func TestMayMatch(t *testing.T) {
	for source, want := range map[string]struct{ production, staging bool }{
		`true`:                                                                 {true, true},
		`event.type == "VEHICLE_ERROR"`:                                        {true, true},
		`event.type == "VEHICLE_STATE"`:                                        {false, false},
		`"VEHICLE_STATE" == event.type`:                                        {false, false},
		`event.type != "VEHICLE_STATE"`:                                        {true, true},
		`event.type != "VEHICLE_ERROR"`:                                        {false, false},
		`!(event.type != "VEHICLE_STATE")`:                                     {false, false},
		`contains(["VEHICLE_STATE", "VEHICLE_ERROR"], event.type)`:             {true, true},
		`contains(["VEHICLE_STATE", "scheduled"], event.type)`:                 {false, false},
		`endswith(event.type, "_STATE")`:                                       {false, false},
		`startswith(event.type, "VEHICLE_")`:                                   {true, true},
		`matches("STATE$", event.type)`:                                        {false, false},
		`lower(event.type) == "vehicle_state"`:                                 {false, false},
		`length(event.type) == 13`:                                             {true, true},
		`event.mode == "LIVE"`:                                                 {true, true},
		`event.mode == "LIVE" && event.type == "VEHICLE_STATE"`:                {false, false},
		`event.type == "VEHICLE_STATE" && event.mode == "LIVE"`:                {false, false},
		`event.mode == "LIVE" || event.type == "VEHICLE_STATE"`:                {true, true},
		`event.source == "production"`:                                         {true, false},
		`event.source != "production" && event.type == "VEHICLE_ERROR"`:        {false, true},
		`event.type == "VEHICLE_STATE" || event.source == "staging"`:           {false, true},
		`"${event.source}/${event.type}" == "production/VEHICLE_ERROR"`:        {true, false},
		`event.type == "VEHICLE_STATE" ? true : event.source == "production"`:  {true, false},
		`event.mode == "LIVE" ? event.type == "VEHICLE_STATE" : false`:         {true, true}, // not seen; no warning
		`event.received_at > unixtime("2026-01-31T00:00:00Z")`:                 {true, true},
		`event.user == "" && event.webhook == "" && event.vehicle != event.id`: {true, true},
	} {
		e := compile(t, source)
		if got := e.MayMatch("VEHICLE_ERROR", "production"); got != want.production {
			t.Errorf("%s: %v from production", source, got)
		}
		if got := e.MayMatch("VEHICLE_ERROR", "staging"); got != want.staging {
			t.Errorf("%s: %v from staging", source, got)
		}
	}
	if !(*Expr)(nil).MayMatch("VEHICLE_ERROR", "production") {
		t.Error("no when wants nothing")
	}
}
