package receiver

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
)

const verifierName = "smartcar_verify"

var verifierOptions = []string{
	"source", "token", "max_size", "read_timeout", "max_age", "verify_rate", "verify_challenge",
}

func parseVerifier(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	v := new(Verifier)
	if err := v.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return v, nil
}

// UnmarshalCaddyfile reads a verifier:
//
//	smartcar_verify [<matcher>] {
//	    source           <name>
//	    token            <token or placeholder>
//	    max_size         <size>
//	    read_timeout     <duration>
//	    max_age          off | warn <duration> | refuse <duration>
//	    verify_rate      <requests a second> [<burst>]
//	    verify_challenge <fewest characters> <most characters>
//	}
//
// At least one token is needed; token may be repeated, everything else may not.
func (v *Verifier) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.Errf("%s takes a matcher and a block, no other argument"+
			" (a path matcher begins with '/', a token goes into the block)", verifierName)
	}
	seen := make(map[string]bool)
	tokens := make(map[string]int)
	at := directive.Position(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := v.unmarshalOption(d, seen, tokens); err != nil {
			return err
		}
	}
	return v.checkHasToken(at, verifierName)
}

func (v *Verifier) unmarshalOption(d *caddyfile.Dispenser, seen map[string]bool, tokens map[string]int) error {
	option := d.Val()
	if option == "store_timeout" {
		return d.Errf("%s has no store_timeout, since it stores nothing: how long the application may take is for reverse_proxy"+
			" to say, and Smartcar waits 15 s in all", verifierName)
	}
	if option != "token" {
		if err := directive.Once(d, seen, option); err != nil {
			return err
		}
	}
	if known, err := v.Gate.unmarshalOption(d, option, tokens); known {
		return err
	}
	return directive.UnknownOption(d, option, verifierOptions)
}

// Interface guard.
var _ caddyfile.Unmarshaler = (*Verifier)(nil)
