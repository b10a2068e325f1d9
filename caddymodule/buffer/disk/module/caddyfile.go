package module

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func duration(d caddy.Duration) time.Duration { return time.Duration(d) }

// oneArg takes exactly one argument.
func oneArg(d *caddyfile.Dispenser, to *string) error {
	if !d.AllArgs(to) {
		return d.ArgErr()
	}
	return nil
}

func durationArg(d *caddyfile.Dispenser, to *caddy.Duration) error {
	name := d.Val()
	var s string
	if err := oneArg(d, &s); err != nil {
		return err
	}
	v, err := caddy.ParseDuration(s)
	if err != nil {
		return d.Errf("%s: %q is not a duration such as 12h or 7d", name, s)
	}
	// 0 would silently mean the default.
	if v <= 0 {
		return d.Errf("%s is %s; it must be more than 0", name, s)
	}
	*to = caddy.Duration(v)
	return nil
}

func sizeArg(d *caddyfile.Dispenser, to *uint64) error {
	name := d.Val()
	var s string
	if err := oneArg(d, &s); err != nil {
		return err
	}
	v, err := humanize.ParseBytes(s)
	if err != nil {
		return d.Errf("%s: %q is not a size such as 512MiB or 10GiB", name, s)
	}
	if v == 0 {
		return d.Errf("%s is %s; it must be more than 0", name, s)
	}
	*to = v
	return nil
}

var (
	_ caddy.Provisioner     = (*Module)(nil)
	_ caddy.Validator       = (*Module)(nil)
	_ caddyfile.Unmarshaler = (*Module)(nil)
	_ buffer.Opener         = (*Module)(nil)
)
