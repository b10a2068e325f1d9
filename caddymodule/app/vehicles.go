package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/schema"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/vehicles"
)

// Vehicles says what is kept of vehicles, and which silence needs attention.
type Vehicles struct {
	// Nothing is kept of vehicles, and what was kept is deleted. Default: false.
	Off bool `json:"off,omitempty"`

	// How long nothing must have been heard of a vehicle until what is known of it is deleted. From 1h. Default: 90d.
	ForgetAfter caddy.Duration `json:"forget_after,omitempty"`

	// How long nothing must have been heard of a vehicle until it counts as silent. From 1m. Default: 24h.
	SilentAfter caddy.Duration `json:"silent_after,omitempty"`

	// How long nothing must have come of a source that has had events until that needs attention; -1: never. From 1m.
	// Default: 24h, for sources with 10 vehicles or more.
	AlertSourceSilent caddy.Duration `json:"alert_source_silent,omitempty"`

	// Which share of a source's vehicles must be silent until that needs attention: from 0 to 1, of those that something
	// was heard of in the week before. Default: 0, which is never.
	AlertSilentShare float64 `json:"alert_silent_share,omitempty"`
}

const (
	shortestForget           = time.Hour
	shortestSilence          = time.Minute
	defaultAlertSourceSilent = 24 * time.Hour
	never                    = caddy.Duration(-1)
)

// check refuses what cannot be meant.
func (v *Vehicles) check() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf("vehicles: "+format, args...)) }
	if d := time.Duration(v.ForgetAfter); d != 0 && d < shortestForget {
		refuse("forget_after %s: must be %s or more", d, shortestForget)
	}
	if d := time.Duration(v.SilentAfter); d != 0 && d < shortestSilence {
		refuse("silent_after %s: must be %s or more", d, shortestSilence)
	}
	s := v.settings()
	if s.ForgetAfter < s.SilentAfter {
		refuse("forget_after %s is less than silent_after %s: no vehicle would ever be silent", s.ForgetAfter, s.SilentAfter)
	}
	if d := v.AlertSourceSilent; d != 0 && d != never && time.Duration(d) < shortestSilence {
		refuse("alert_source_silent %s: must be %s or more, or -1 for never", time.Duration(d), shortestSilence)
	}
	if v.AlertSilentShare < 0 || v.AlertSilentShare > 1 {
		refuse("alert_silent_share %g: must be from 0 to 1", v.AlertSilentShare)
	}
	return errors.Join(errs...)
}

func (v *Vehicles) settings() vehicles.Settings {
	if v == nil {
		v = new(Vehicles)
	}
	s := vehicles.Settings{
		Off: v.Off, ForgetAfter: time.Duration(v.ForgetAfter), SilentAfter: time.Duration(v.SilentAfter),
	}
	return s.WithDefaults()
}

// alerts says which silence of these sources needs attention.
func (v *Vehicles) alerts(sources []string) status.SilenceAlerts {
	if v == nil {
		v = new(Vehicles)
	}
	a := status.SilenceAlerts{
		Sources: sources, SilentShare: v.AlertSilentShare, SourceSilent: time.Duration(v.AlertSourceSilent),
	}
	switch v.AlertSourceSilent {
	case 0:
		a.SourceSilent, a.Usual = defaultAlertSourceSilent, true
	case never:
		a.SourceSilent = 0
	}
	return a
}

// observers are all that hears of the events of an engine.
type observers []engine.EventObserver

// Opened implements engine.EventObserver.
func (o observers) Opened(b buffer.Buffer) {
	for _, each := range o {
		each.Opened(b)
	}
}

// Stored implements engine.EventObserver.
func (o observers) Stored(position uint64, e *buffer.Event) {
	for _, each := range o {
		each.Stored(position, e)
	}
}

// Close implements engine.EventObserver.
func (o observers) Close(ctx context.Context) error {
	var errs []error
	for _, each := range o {
		errs = append(errs, each.Close(ctx))
	}
	return errors.Join(errs...)
}

// Interface guards.
var (
	_ engine.EventObserver = (*vehicles.Watch)(nil)
	_ engine.EventObserver = (*schema.Watch)(nil)
)
