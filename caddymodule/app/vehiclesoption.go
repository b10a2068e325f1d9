package app

import (
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
)

var vehiclesOptions = []string{"forget_after", "silent_after", "alert_source_silent", "alert_silent_share"}

// unmarshalVehicles reads the option vehicles:
//
//	vehicles off
//	vehicles {
//	    forget_after        <duration>
//	    silent_after        <duration>
//	    alert_source_silent <duration>|off
//	    alert_silent_share  <percent>|off
//	}
func (a *App) unmarshalVehicles(d *caddyfile.Dispenser) error {
	v := new(Vehicles)
	if args := d.RemainingArgs(); len(args) > 0 {
		if len(args) > 1 || args[0] != "off" {
			return d.Err("vehicles takes off, or a block")
		}
		v.Off = true
		a.Vehicles = v
		return directive.NoBlock(d, "vehicles")
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := v.unmarshalOption(d, seen); err != nil {
			return err
		}
	}
	if err := v.check(); err != nil {
		return d.WrapErr(err)
	}
	a.Vehicles = v
	return nil
}

func (v *Vehicles) unmarshalOption(d *caddyfile.Dispenser, seen map[string]bool) (err error) {
	option := d.Val()
	if err := directive.Once(d, seen, option); err != nil {
		return err
	}
	switch option {
	case "forget_after":
		v.ForgetAfter, err = directive.Duration(d, "90d")
	case "silent_after":
		v.SilentAfter, err = directive.Duration(d, "24h")
	case "alert_source_silent":
		if isOff(d) {
			v.AlertSourceSilent = never
			return endOff(d, option)
		}
		v.AlertSourceSilent, err = directive.Duration(d, "24h")
	case "alert_silent_share":
		if isOff(d) {
			return endOff(d, option)
		}
		v.AlertSilentShare, err = share(d, "20%")
	default:
		err = directive.UnknownOption(d, option, vehiclesOptions)
	}
	return err
}

// isOff reports whether the next argument is off.
func isOff(d *caddyfile.Dispenser) bool {
	next := *d
	return next.NextArg() && next.Val() == "off"
}

// endOff passes over off.
func endOff(d *caddyfile.Dispenser, option string) error {
	if args := d.RemainingArgs(); len(args) != 1 {
		return d.Errf("%s: behind off there is nothing more", option)
	}
	return directive.NoBlock(d, option)
}

// share reads a percentage above 0.
func share(d *caddyfile.Dispenser, example string) (float64, error) {
	option := d.Val()
	text, err := directive.Arg(d, example)
	if err != nil {
		return 0, err
	}
	number, isPercent := strings.CutSuffix(text, "%")
	percent, err := strconv.ParseFloat(number, 64)
	if err != nil || !isPercent || !(percent > 0 && percent <= 100) {
		return 0, d.Errf("%s '%s': must be more than 0%% and at most 100%%, such as %s%s", option, text, example,
			directive.PlaceholderHint(text))
	}
	return percent / 100, nil
}
