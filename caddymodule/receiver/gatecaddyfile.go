package receiver

import (
	"fmt"
	"math"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
)

// unmarshalOption reads an option of the gate's; known: it is one.
func (g *Gate) unmarshalOption(d *caddyfile.Dispenser, option string, tokens map[string]int) (known bool, err error) {
	switch option {
	case "source":
		return true, g.unmarshalSource(d)
	case "token":
		return true, g.unmarshalToken(d, tokens)
	case "max_size":
		return true, g.unmarshalMaxSize(d)
	case "read_timeout":
		return true, unmarshalTimeout(d, option, &g.ReadTimeout)
	case "max_age":
		return true, g.unmarshalMaxAge(d)
	case "verify_rate":
		return true, g.unmarshalVerifyRate(d)
	case "verify_challenge":
		return true, g.unmarshalVerifyChallenge(d)
	default:
		return false, nil
	}
}

// checkHasToken is called at the end of a directive that began at a place.
func (g *Gate) checkHasToken(at, name string) error {
	if len(g.Tokens) > 0 {
		return nil
	}
	return fmt.Errorf("%s: %s has no token: add the Application Management Token"+
		" from Smartcar's dashboard, as in `token {env.SMARTCAR_TOKEN}`", at, name)
}

func (g *Gate) unmarshalSource(d *caddyfile.Dispenser) error {
	v, err := directive.Arg(d, "production")
	if err != nil {
		return err
	}
	if err := checkSource(v); err != nil {
		return d.WrapErr(err)
	}
	g.Source = v
	return nil
}

func (g *Gate) unmarshalMaxSize(d *caddyfile.Dispenser) error {
	v, err := directive.Size(d, "256KiB")
	if err != nil {
		return err
	}
	if err := checkMaxSize(v); err != nil {
		return d.WrapErr(err)
	}
	g.MaxSize = v
	return nil
}

func unmarshalTimeout(d *caddyfile.Dispenser, option string, to *caddy.Duration) error {
	v, err := directive.Duration(d, "5s")
	if err != nil {
		return err
	}
	if err := checkTimeout(option, v); err != nil {
		return d.WrapErr(err)
	}
	*to = v
	return nil
}

// unmarshalToken checks as much of a token as can be known now: this may be another
// machine than the one that runs the config, so placeholders stay.
func (g *Gate) unmarshalToken(d *caddyfile.Dispenser, seen map[string]int) error {
	args := d.RemainingArgs()
	if len(args) != 1 {
		return d.Errf("token needs exactly one value, as in `token {env.SMARTCAR_TOKEN}`; found %d"+
			" (repeat the line for a second token; a {$NAME} that is not set leaves nothing)", len(args))
	}
	if err := directive.NoBlock(d, "token"); err != nil {
		return err
	}
	number, raw := len(g.Tokens)+1, args[0]
	err := directive.CheckPlaceholders(raw, "token")
	if err == nil && !directive.HasPlaceholder(raw) {
		err = checkToken(raw)
	}
	if err != nil {
		return d.Errf("token %d %w", number, err)
	}
	if first, dup := seen[raw]; dup {
		return d.Errf("token %d is the same as token %d: each token may appear once", number, first)
	}
	seen[raw] = number
	g.Tokens = append(g.Tokens, raw)
	return nil
}

func (g *Gate) unmarshalVerifyRate(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) < 1 || len(args) > 2 {
		return d.Err("verify_rate needs the requests a second and may be followed by the burst, as in `verify_rate 1 20`")
	}
	v := g.verify()
	perSecond, err := strconv.ParseFloat(args[0], 64)
	if err != nil || math.IsNaN(perSecond) || perSecond <= 0 {
		return d.Errf("verify_rate '%s': must be a number above 0, in requests a second%s", args[0], directive.PlaceholderHint(args[0]))
	}
	v.Rate = perSecond
	if len(args) == 2 {
		if v.Burst, err = strconv.Atoi(args[1]); err != nil || v.Burst < 1 {
			return d.Errf("verify_rate burst '%s': must be a whole number above 0%s", args[1], directive.PlaceholderHint(args[1]))
		}
	}
	return g.finishVerify(d, "verify_rate")
}

func (g *Gate) unmarshalVerifyChallenge(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Err("verify_challenge needs the fewest and the most characters, as in `verify_challenge 8 128`")
	}
	v := g.verify()
	for i, to := range []*int{&v.ChallengeMin, &v.ChallengeMax} {
		n, err := strconv.Atoi(args[i])
		if err != nil || n < 1 {
			return d.Errf("verify_challenge '%s': must be a whole number above 0%s", args[i], directive.PlaceholderHint(args[i]))
		}
		*to = n
	}
	return g.finishVerify(d, "verify_challenge")
}

func (g *Gate) verify() *Verify {
	if g.Verify == nil {
		g.Verify = new(Verify)
	}
	return g.Verify
}

func (g *Gate) finishVerify(d *caddyfile.Dispenser, option string) error {
	whole := *g.Verify
	whole.setDefaults()
	if err := whole.check(); err != nil {
		return d.WrapErr(err)
	}
	return directive.NoBlock(d, option)
}
