package receiver

import (
	"fmt"
	"math"
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
)

const directiveName = "smartcar_webhook"

var receiverOptions = []string{
	"source", "token", "max_size", "read_timeout", "store_timeout", "max_age", "verify_rate", "verify_challenge",
}

func parseDirective(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	rc := new(Receiver)
	if err := rc.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return rc, nil
}

// UnmarshalCaddyfile reads a receiver:
//
//	smartcar_webhook [<matcher>] {
//	    source           <name>
//	    token            <token or placeholder>
//	    max_size         <size>
//	    read_timeout     <duration>
//	    store_timeout    <duration>
//	    max_age          off | warn <duration> | refuse <duration>
//	    verify_rate      <requests a second> [<burst>]
//	    verify_challenge <fewest characters> <most characters>
//	}
//
// At least one token is needed; token may be repeated, everything else may not.
func (rc *Receiver) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.Errf("%s takes a matcher and a block, no other argument"+
			" (a path matcher begins with '/', a token goes into the block)", directiveName)
	}
	seen := make(map[string]bool)
	tokens := make(map[string]int)
	at := directive.Position(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := rc.unmarshalOption(d, seen, tokens); err != nil {
			return err
		}
	}
	if len(rc.Tokens) == 0 {
		return fmt.Errorf("%s: %s has no token: add the Application Management Token"+
			" from Smartcar's dashboard, as in `token {env.SMARTCAR_TOKEN}`", at, directiveName)
	}
	whole := Receiver{ReadTimeout: rc.ReadTimeout, StoreTimeout: rc.StoreTimeout}
	whole.setDefaults()
	if err := whole.checkTimeouts(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

func (rc *Receiver) unmarshalOption(d *caddyfile.Dispenser, seen map[string]bool, tokens map[string]int) error {
	option := d.Val()
	if option == "token" {
		return rc.unmarshalToken(d, tokens)
	}
	if err := directive.Once(d, seen, option); err != nil {
		return err
	}
	switch option {
	case "source":
		v, err := directive.Arg(d, "production")
		if err != nil {
			return err
		}
		if err := checkSource(v); err != nil {
			return d.WrapErr(err)
		}
		rc.Source = v
	case "max_size":
		v, err := directive.Size(d, "256KiB")
		if err != nil {
			return err
		}
		if err := checkMaxSize(v); err != nil {
			return d.WrapErr(err)
		}
		rc.MaxSize = v
	case "read_timeout", "store_timeout":
		v, err := directive.Duration(d, "5s")
		if err != nil {
			return err
		}
		if err := checkTimeout(option, v); err != nil {
			return d.WrapErr(err)
		}
		if option == "read_timeout" {
			rc.ReadTimeout = v
		} else {
			rc.StoreTimeout = v
		}
	case "max_age":
		return rc.unmarshalMaxAge(d)
	case "verify_rate":
		return rc.unmarshalVerifyRate(d)
	case "verify_challenge":
		return rc.unmarshalVerifyChallenge(d)
	default:
		return directive.UnknownOption(d, option, receiverOptions)
	}
	return nil
}

// unmarshalToken checks as much of a token as can be known now: this may be another
// machine than the one that runs the config, so placeholders stay.
func (rc *Receiver) unmarshalToken(d *caddyfile.Dispenser, seen map[string]int) error {
	args := d.RemainingArgs()
	if len(args) != 1 {
		return d.Errf("token needs exactly one value, as in `token {env.SMARTCAR_TOKEN}`; found %d"+
			" (repeat the line for a second token; a {$NAME} that is not set leaves nothing)", len(args))
	}
	if err := directive.NoBlock(d, "token"); err != nil {
		return err
	}
	number, raw := len(rc.Tokens)+1, args[0]
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
	rc.Tokens = append(rc.Tokens, raw)
	return nil
}

func (rc *Receiver) unmarshalVerifyRate(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) < 1 || len(args) > 2 {
		return d.Err("verify_rate needs the requests a second and may be followed by the burst, as in `verify_rate 1 20`")
	}
	v := rc.verify()
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
	return rc.finishVerify(d, "verify_rate")
}

func (rc *Receiver) unmarshalVerifyChallenge(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Err("verify_challenge needs the fewest and the most characters, as in `verify_challenge 8 128`")
	}
	v := rc.verify()
	for i, to := range []*int{&v.ChallengeMin, &v.ChallengeMax} {
		n, err := strconv.Atoi(args[i])
		if err != nil || n < 1 {
			return d.Errf("verify_challenge '%s': must be a whole number above 0%s", args[i], directive.PlaceholderHint(args[i]))
		}
		*to = n
	}
	return rc.finishVerify(d, "verify_challenge")
}

func (rc *Receiver) verify() *Verify {
	if rc.Verify == nil {
		rc.Verify = new(Verify)
	}
	return rc.Verify
}

func (rc *Receiver) finishVerify(d *caddyfile.Dispenser, option string) error {
	whole := *rc.Verify
	whole.setDefaults()
	if err := whole.check(); err != nil {
		return d.WrapErr(err)
	}
	return directive.NoBlock(d, option)
}
