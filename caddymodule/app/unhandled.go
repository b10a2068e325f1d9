package app

import (
	"log/slog"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// unhandledErrors is about sources whose errors no handler in force takes, unless that is meant.
func (a *App) unhandledErrors(e *engine.Engine) []api.Attention {
	if a.IgnoreVehicleErrors {
		return nil
	}
	return status.UnhandledErrors(e.Untaken(smartcar.TypeVehicleError, a.sources))
}

// logUnhandledErrors says so at the start, where plugins that are up by then have said what they want.
func (a *App) logUnhandledErrors() {
	for _, item := range a.unhandledErrors(a.ref.engine) {
		a.log.Warn("VEHICLE_ERROR events have no handler", slog.String("source", item.Source),
			slog.String("warning", item.What), slog.String("do", item.Do))
	}
}

// untakenErrors says the same of definitions that are only looked at. types has the event types that the plugin of each
// wants, none: all, or it was not asked.
func (a *App) untakenErrors(defs []handlersfile.Definition, types [][]string, sources []string) []string {
	if a.IgnoreVehicleErrors {
		return nil
	}
	wants := func(i int) bool { return len(types[i]) == 0 || slices.Contains(types[i], smartcar.TypeVehicleError) }
	var lines []string
	for _, item := range status.UnhandledErrors(handlersfile.Untaken(defs, wants, smartcar.TypeVehicleError, sources)) {
		lines = append(lines, item.What+"; "+item.Do)
	}
	return lines
}

// typesOf are the event types that a bundled plugin wants; none: all.
func typesOf(plugin string) []string {
	p, ok := bundled.Plugin(plugin)
	if !ok {
		return nil
	}
	return p.EventTypes()
}
