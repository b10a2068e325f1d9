package app

import (
	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
)

// lossClock returns the clock of the engine that there is: a reload to another buffer is no downtime, and what the one
// before could not store comes again to the new one. Else it returns a new clock.
func lossClock() *lossclock.Clock {
	clock := lossclock.New(nil, nil)
	engines.Range(func(_, value any) bool {
		if shared, ok := value.(*sharedEngine); ok {
			clock = shared.counts.Loss
		}
		return true
	})
	return clock
}

// listening reports whether Caddy's servers listen: from the end of the first load to the beginning of the end.
func listening() bool { return caddy.ActiveContext().Context != nil && !caddy.Exiting() }
