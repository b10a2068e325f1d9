package app

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
)

var quarantineOptions = []string{"max_size", "max_count", "max_age", "max_rate"}

// unmarshalQuarantine reads the option quarantine:
//
//	quarantine
//	quarantine {
//	    max_size  <size>
//	    max_count <number>
//	    max_age   <duration>
//	    max_rate  <size>
//	}
func (a *App) unmarshalQuarantine(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		// The argument is not repeated: it may be a token.
		return d.Err("quarantine takes no argument, only a block; without the line nothing is kept")
	}
	q := new(Quarantine)
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := q.unmarshalOption(d, seen); err != nil {
			return err
		}
	}
	if err := q.check(0); err != nil {
		return d.WrapErr(err)
	}
	a.Quarantine = q
	return nil
}

func (q *Quarantine) unmarshalOption(d *caddyfile.Dispenser, seen map[string]bool) (err error) {
	option := d.Val()
	if err := directive.Once(d, seen, option); err != nil {
		return err
	}
	switch option {
	case "max_size":
		q.MaxSize, err = directive.Size(d, "64MiB")
	case "max_count":
		var text string
		if text, err = directive.Arg(d, "10000"); err != nil {
			return err
		}
		if q.MaxCount, err = strconv.Atoi(text); err != nil || q.MaxCount < 1 {
			return d.Errf("max_count '%s': must be 1 to %d%s", text, mostQuarantined, directive.PlaceholderHint(text))
		}
	case "max_age":
		q.MaxAge, err = directive.Duration(d, "7d")
	case "max_rate":
		q.MaxRate, err = directive.Size(d, "1MiB")
	default:
		err = directive.UnknownOption(d, option, quarantineOptions)
	}
	return err
}
