package caddymodule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

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
			newPlugin, ok := bundled[args[0]]
			if !ok {
				names := strings.Join(slices.Sorted(maps.Keys(bundled)), ", ")
				return fmt.Errorf("there is no bundled plugin %q: choose one of %s", args[0], names)
			}
			sdk.Serve(newPlugin())
			return nil
		},
	}
}
