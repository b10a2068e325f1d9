package receiver

import (
	"fmt"

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
	if err := rc.checkHasToken(at, directiveName); err != nil {
		return err
	}
	whole := Receiver{Gate: Gate{ReadTimeout: rc.ReadTimeout}, StoreTimeout: rc.StoreTimeout}
	whole.setDefaults()
	if err := whole.checkTimeouts(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

func (rc *Receiver) unmarshalOption(d *caddyfile.Dispenser, seen map[string]bool, tokens map[string]int) error {
	option := d.Val()
	if option != "token" {
		if err := directive.Once(d, seen, option); err != nil {
			return err
		}
	}
	if option == "store_timeout" {
		return unmarshalTimeout(d, option, &rc.StoreTimeout)
	}
	if known, err := rc.Gate.unmarshalOption(d, option, tokens); known {
		return err
	}
	return directive.UnknownOption(d, option, receiverOptions)
}
