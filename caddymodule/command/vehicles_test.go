package command

import (
	"bytes"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func someVehicles() []api.Vehicle {
	at := func(ago time.Duration) time.Time { return noon.Add(-ago) }
	return []api.Vehicle{
		{
			Source: "production", ID: "1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a10",
			LastEventAt: at(90 * time.Second), LastStateAt: at(90 * time.Second), LastErrorAt: at(49 * time.Hour),
			NewestReadingAt: at(3 * time.Minute), OpenErrors: []api.OpenError{},
		},
		{
			Source: "production", ID: "3f8e1d7c-2b5a-4c69-9d80-6a7b8c9d0e1f",
			LastEventAt: at(26 * time.Hour), LastStateAt: at(30 * time.Hour), LastErrorAt: at(26 * time.Hour),
			LastOtherAt: at(90 * time.Hour), NewestReadingAt: at(31 * time.Hour),
			OpenErrors: []api.OpenError{
				{Type: "CONNECTED_SERVICES_ACCOUNT", Code: "AUTHENTICATION_FAILED", Resolution: "REAUTHENTICATE",
					Since: at(50 * time.Hour), LastAt: at(26 * time.Hour)},
				{Type: "PERMISSION", Since: at(26 * time.Hour), LastAt: at(26 * time.Hour)},
			},
		},
		{Source: "test\x1b[2J", ID: "car 7\t\x1b[31m", LastEventAt: at(time.Second), OpenErrors: []api.OpenError{}},
	}
}

func TestVehicles(t *testing.T) {
	page := api.Page[api.Vehicle]{Items: someVehicles(), NextCursor: "djE"}
	var out bytes.Buffer
	if err := terminal(&out).vehicles(page, 1204, noon); err != nil {
		t.Fatal(err)
	}
	golden(t, "vehicles", out.String())

	out.Reset()
	wide := terminal(&out)
	wide.wide = true
	if err := wide.vehicles(page, 0, noon); err != nil {
		t.Fatal(err)
	}
	golden(t, "vehicles-wide", out.String())

	out.Reset()
	if err := terminal(&out).vehicle(&page.Items[1], noon); err != nil {
		t.Fatal(err)
	}
	golden(t, "vehicle", out.String())
}

// Where there is none, the answer is about what was asked for.
func TestNoVehicles(t *testing.T) {
	for want, f := range map[string]vehiclesFlags{
		"No vehicle is known: none has had an event yet, or all were forgotten.":  {},
		"There is no vehicle that has been silent for 24h.":                       {silent: "24h"},
		"There is no vehicle with an open error.":                                 {inError: true},
		"There is no vehicle that has been silent for 24h and has an open error.": {silent: "24h", inError: true},
		"There is no vehicle of source production.":                               {source: "production"},
		"There is no vehicle with an open error of source production.":            {source: "production", inError: true},
		"There are no more vehicles.":                                             {list: listFlags{cursor: "djE"}, inError: true},
	} {
		if got := f.none(); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}
