package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// pluginCommand is how Caddy starts a bundled plugin: its own binary again, as a
// process of its own. It is of no use by hand and therefore hidden.
func pluginCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "plugin NAME",
		Short:  "Serves a bundled plugin; started by Caddy itself",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			plugin, ok := bundled.Plugin(args[0])
			if !ok {
				return misusedf("there is no bundled plugin %q: choose one of %s", args[0], strings.Join(bundled.Names(), ", "))
			}
			sdk.Serve(plugin)
			return nil
		},
	}
}
