package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/vehicles"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Each metric of the vehicles moves with what a real watch knows of events in a real buffer, as time goes by.
func TestVehiclesMove(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, dir)
		for _, vehicle := range []string{"car-1", "car-2", "car-3"} {
			f.heardOf(vehicle, smartcar.TypeVehicleState, time.Now())
		}
		f.heardOf("car-3", smartcar.TypeVehicleError, time.Now())
		f.heardOf("sold", smartcar.TypeVehicleState, time.Now().Add(-8*24*time.Hour))
		time.Sleep(5 * time.Minute)
		f.want("one has been silent for more than a week", counts{all: 4, inError: 1, silent: 1, lately: 3})
		f.heardOf("car-1", smartcar.TypeVehicleState, time.Now())
		time.Sleep(6 * time.Minute)
		f.want("so have two, for eleven minutes", counts{all: 4, inError: 1, silent: 3, lately: 3, latelySilent: 2})
		f.heardOf("car-2", smartcar.TypeVehicleState, time.Now())
		f.heardOf("new", smartcar.TypeVehicleState, time.Now())
		time.Sleep(time.Minute)
		f.want("one has come back, and one is new", counts{all: 5, inError: 1, silent: 2, lately: 4, latelySilent: 1})
	})
}

// fleet are vehicles that a watch knows of, silent after ten minutes.
type fleet struct {
	t      *testing.T
	buffer *disk.Buffer
	watch  *vehicles.Watch
}

func newFleet(t *testing.T, dir string) *fleet {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b, err := disk.Open(t.Context(), disk.Options{Path: dir, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, buffer: b, watch: vehicles.New(dir, log)}
	f.watch.Set(vehicles.Settings{SilentAfter: 10 * time.Minute})
	f.watch.Opened(b)
	t.Cleanup(func() {
		if err := errors.Join(f.watch.Close(context.Background()), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return f
}

// heardOf stores an event of a vehicle.
func (f *fleet) heardOf(vehicle, eventType string, at time.Time) {
	f.t.Helper()
	body := smartcar.Sample{VehicleID: vehicle}.VehicleState()
	if eventType == smartcar.TypeVehicleError {
		body = smartcar.Sample{VehicleID: vehicle}.VehicleError()
	}
	e := &buffer.Event{
		Source: "production", ID: fmt.Sprint(vehicle, eventType, time.Now()), Type: eventType, VehicleID: vehicle,
		ReceivedAt: at, Body: body,
	}
	receipt, err := f.buffer.Append(f.t.Context(), e)
	if err != nil {
		f.t.Fatal(err)
	}
	f.watch.Stored(receipt.Position, e)
}

// counts are the values of the metrics.
type counts struct{ all, inError, silent, lately, latelySilent int }

func (f *fleet) want(when string, c counts) {
	f.t.Helper()
	var s api.Status
	status.AddVehicles(&s, f.watch.Summary(), status.SilenceAlerts{})
	got := values(f.t, registered(f.t, New(), s), func(name string) bool { return strings.HasPrefix(name, prefix+"vehicles") })
	var lines []string
	for name, n := range map[string]int{
		"vehicles": c.all, "vehicles_in_error": c.inError, "vehicles_silent": c.silent, "vehicles_lately": c.lately,
		"vehicles_lately_silent": c.latelySilent,
	} {
		lines = append(lines, fmt.Sprintf("%s%s{source=\"production\"} %d\n", prefix, name, n))
	}
	slices.Sort(lines)
	if diff := cmp.Diff(strings.Join(lines, ""), got); diff != "" {
		f.t.Errorf("%s:\n%s", when, diff)
	}
}
