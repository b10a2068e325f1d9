package health

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

const directiveName = "smartcar_health"

func parseDirective(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	health := new(Health)
	if err := health.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return health, nil
}

// UnmarshalCaddyfile reads
//
//	smartcar_health [<matcher>] [ready|live]
func (h *Health) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	args := d.RemainingArgs()
	if len(args) > 1 {
		return d.Errf("%s takes a matcher, and ready or live, no more (a path matcher begins with '/')", directiveName)
	}
	if len(args) == 1 {
		h.Kind = args[0]
		if checkKind(h.Kind) != nil {
			// The argument is not repeated: it may be anything.
			return d.Errf("%s takes ready or live, and a matcher before it, which begins with '/', '@' or '*'.%s",
				directiveName, text.DidYouMean(h.Kind, []string{kindReady, kindLive}))
		}
	}
	return directive.NoBlock(d, directiveName)
}

// Interface guard.
var _ caddyfile.Unmarshaler = (*Health)(nil)
