package engine

import (
	"context"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// tryGrace is how long a plugin that was only tried may take to end.
const tryGrace = 5 * time.Second

// Try starts the plugin of a definition as a reload would, has it take its config, and ends it
// again. It delivers nothing and opens no buffer: of the options it needs neither. The error has
// handler and file:line. The state is that of the plugin while it was up.
func Try(ctx context.Context, def handlersfile.Definition, opts Options) (pluginhost.State, error) {
	e := New(opts)
	defer e.endGrace()
	defer e.end()
	r := e.newRunner(def)
	startErr := r.plugin.Start(ctx)
	state := r.plugin.State()
	// A stop has its time also when ctx has ended: nothing may be left.
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryGrace)
	defer cancel()
	stopErr := r.plugin.Stop(stop)
	if startErr != nil {
		return state, inPlace(&r.def, startErr)
	}
	if stopErr != nil {
		e.log.Warn("the plugin did not end by itself", "handler", def.Name, "error", stopErr)
	}
	return state, nil
}

// CheckSocketPlaces returns why plugins could have their sockets nowhere, and what to do; nil if they could. fallback is
// Options.FallbackDir. It leaves nothing behind.
func CheckSocketPlaces(fallback string) error {
	return pluginhost.Spec{FallbackDir: fallback}.CheckSocketPlaces()
}
