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

	out.Reset()
	if err := terminal(&out).vehicles(api.Page[api.Vehicle]{}, 0, noon); err != nil || out.String() != "There is no such vehicle.\n" {
		t.Errorf("%q %v", out.String(), err)
	}
}
