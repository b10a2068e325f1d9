// Package directive reads the arguments of Caddyfile options, with errors that say where the
// mistake is and what to write.
package directive

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// Position says where the dispenser stands, as Caddy's own errors do.
func Position(d *caddyfile.Dispenser) string {
	return fmt.Sprintf("%s:%d", d.File(), d.Line())
}

// Once refuses an option that was there before: which of the two counts would be a guess.
func Once(d *caddyfile.Dispenser, seen map[string]bool, option string) error {
	if seen[option] {
		return d.Errf("%s is given twice", option)
	}
	seen[option] = true
	return nil
}

// Arg reads the only argument of an option that has no block.
func Arg(d *caddyfile.Dispenser, example string) (string, error) {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 {
		return "", d.Errf("%s needs exactly one value, as in `%s %s`; found %d", option, option, example, len(args))
	}
	return args[0], NoBlock(d, option)
}

// Duration reads one duration above 0; `d` for days is known.
func Duration(d *caddyfile.Dispenser, example string) (caddy.Duration, error) {
	option := d.Val()
	text, err := Arg(d, example)
	if err != nil {
		return 0, err
	}
	v, err := caddy.ParseDuration(text)
	if err != nil {
		return 0, d.Errf("%s '%s': must be a duration such as %s%s", option, text, example, PlaceholderHint(text))
	}
	// 0 would silently mean the default.
	if v <= 0 {
		return 0, d.Errf("%s %s: must be more than 0", option, text)
	}
	return caddy.Duration(v), nil
}

// PlaceholderHint says what works where a value has a placeholder that is not replaced here; "" for all others.
func PlaceholderHint(text string) string {
	if !strings.ContainsAny(text, "{}") {
		return ""
	}
	return "; {env.NAME} is not replaced here, but {$NAME} is in a Caddyfile, before it is read"
}

// Flag reads an option that has no value: that it is there says all.
func Flag(d *caddyfile.Dispenser) error {
	option := d.Val()
	if len(d.RemainingArgs()) > 0 {
		return d.Errf("%s takes no value: leave the line out to have it off", option)
	}
	return NoBlock(d, option)
}

// NoBlock refuses a block behind an option that takes none.
func NoBlock(d *caddyfile.Dispenser, option string) error {
	if d.NextBlock(d.Nesting()) {
		return d.Errf("%s has no block", option)
	}
	return nil
}

// UnknownOption repeats the word only if it looks like an option: it may also be a
// token that lost its keyword.
func UnknownOption(d *caddyfile.Dispenser, option string, allowed []string) error {
	there := strings.Join(allowed, ", ")
	if !optionPattern.MatchString(option) {
		return d.Errf("unknown option; there is: %s", there)
	}
	return d.Errf("unknown option '%s'; there is: %s", option, there)
}

var optionPattern = regexp.MustCompile(`^[a-z_]{1,32}$`)

// Size reads one size in bytes, above 0, with a unit as in 256KiB.
func Size(d *caddyfile.Dispenser, example string) (int64, error) {
	option := d.Val()
	text, err := Arg(d, example)
	if err != nil {
		return 0, err
	}
	size, err := humanize.ParseBytes(text)
	if err != nil || size > math.MaxInt64 {
		return 0, d.Errf("%s '%s': must be a size such as %s%s", option, text, example, PlaceholderHint(text))
	}
	if size == 0 {
		return 0, d.Errf("%s %s: must be more than 0", option, text)
	}
	return int64(size), nil
}
