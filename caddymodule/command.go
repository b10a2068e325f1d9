package caddymodule

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// registerCommands adds `caddy smartcar` with its subcommands.
func registerCommands() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "smartcar",
		Usage: "<command>",
		Short: "Receives Smartcar webhooks: demo, sender, bundled plugins",
		Long: `Commands around the smartcar_webhook receiver.

  caddy smartcar demo     shows the whole way of a webhook on this machine
  caddy smartcar send     signs and posts webhooks to a URL, as Smartcar does
`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(demoCommand(), sendCommand(), pluginCommand())
		},
	})
}
