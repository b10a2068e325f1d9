package status

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// UnhandledErrors is about sources whose VEHICLE_ERROR events no handler takes. Smartcar's advice is not to ignore
// these: they say which owner must connect his car again, and which signals have stopped.
func UnhandledErrors(sources []string) []api.Attention {
	var list []api.Attention
	for _, source := range sources {
		list = append(list, api.Attention{
			Kind: api.ErrorsUnhandled, Source: source, Level: api.LevelWarning,
			What: source + ": no handler takes VEHICLE_ERROR events, which say that a car must be connected again or that" +
				" signals have stopped",
			Do: "let a handler have them: by its when, and its plugin's event types; the plugin notify tells people of" +
				" them; if you mean it: ignore_vehicle_errors in the global option smartcar",
		})
	}
	return list
}
