package receiver

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
)

// MaxAge says what becomes of deliveries that were sent too long ago. Smartcar's signature covers no time of its own,
// but the body has `meta.deliveredAt`, which is new on each attempt. A delivery that somebody has recorded and sends
// again is a duplicate for as long as the buffer remembers the event (`dedupe_window`, 7 days by default); after that
// only its age tells it.
type MaxAge struct {
	// `off`; `warn`, which stores such a delivery, counts it and logs it; or `refuse`, which answers it with 401 and the
	// code `delivery_too_old`, unless its event is stored. Default: `off`.
	Mode string `json:"mode,omitempty"`

	// The age from which on a delivery is too old, at least 15m. Best a little less than the buffer's `dedupe_window`: with
	// more, a recorded delivery is neither known nor too old for a while; with much less, an event that comes late is
	// refused and lost, although it cannot be a repetition. Needed, but for `off`.
	Limit caddy.Duration `json:"limit,omitempty"`
}

// The modes.
const (
	maxAgeOff    = "off"
	maxAgeWarn   = "warn"
	maxAgeRefuse = "refuse"
)

// smallestMaxAge is more than three things together: the 10 minutes by which the buffer believes a jump of the system's
// clock at once, so that no jump is seen; the 175 s for which Smartcar tries to deliver an event; and clockSkew.
const smallestMaxAge = 15 * time.Minute

// on reports whether the age of deliveries is looked at.
func (m *MaxAge) on() bool { return m != nil && m.Mode != "" && m.Mode != maxAgeOff }

// refuses reports whether deliveries may be refused.
func (m *MaxAge) refuses() bool { return m.on() && m.Mode == maxAgeRefuse }

func (m *MaxAge) check() error {
	if m == nil {
		return nil
	}
	switch m.Mode {
	case "", maxAgeOff:
		if m.Limit != 0 {
			return errors.New("max_age: a limit needs the mode warn or refuse; leave it out to have it off")
		}
		return nil
	case maxAgeWarn, maxAgeRefuse:
	default:
		// The value is not repeated: it may be a token.
		return errors.New("max_age: the mode is off, warn or refuse")
	}
	if time.Duration(m.Limit) < smallestMaxAge {
		return fmt.Errorf("max_age %s %s: must be at least %s, since a clock that is wrong by 10 minutes is believed and "+
			"Smartcar tries for 175 s; best a little less than the buffer's dedupe_window, as in `max_age %s 6d`",
			m.Mode, time.Duration(m.Limit), smallestMaxAge, m.Mode)
	}
	return nil
}

// unmarshalMaxAge reads `max_age off`, or `max_age warn` or `refuse` with a duration.
func (g *Gate) unmarshalMaxAge(d *caddyfile.Dispenser) error {
	const usage = "max_age takes off, or warn or refuse with a duration, as in `max_age warn 6d`"
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return d.Err(usage)
	}
	m := &MaxAge{Mode: args[0]}
	switch {
	case m.Mode == maxAgeOff && len(args) == 2:
		return d.Err("max_age off takes no duration")
	case m.Mode == maxAgeOff:
		return directive.NoBlock(d, "max_age")
	case m.Mode != maxAgeWarn && m.Mode != maxAgeRefuse, len(args) == 1:
		// Neither is repeated: it may be a token.
		return d.Err(usage)
	}
	limit, err := caddy.ParseDuration(args[1])
	if err != nil {
		return d.Errf("max_age %s '%s': must be a duration such as 6d%s", m.Mode, args[1], directive.PlaceholderHint(args[1]))
	}
	m.Limit = caddy.Duration(limit)
	if err := m.check(); err != nil {
		return d.WrapErr(err)
	}
	g.MaxAge = m
	return directive.NoBlock(d, "max_age")
}

// maxAge is the limit in force, 0 where there is none.
func (g *Gate) maxAge() time.Duration {
	if !g.MaxAge.on() {
		return 0
	}
	return time.Duration(g.MaxAge.Limit)
}
