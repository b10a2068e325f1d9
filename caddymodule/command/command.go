// Package command is the command line `caddy smartcar …`. Most commands ask the running
// Caddy through its admin endpoint.
package command

import (
	"fmt"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/command/demo"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/command/dev"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "smartcar",
		Usage: "<command>",
		Short: "Smartcar webhooks: status, events, dead letters, replay, signatures, validate, demo, dev",
		Long: `Commands around the smartcar_webhook receiver.

  caddy smartcar status        is all well, and what needs attention
  caddy smartcar events        lists stored events; show tells all about one
  caddy smartcar dead-letters  lists what handlers gave up on; replays or drops it
  caddy smartcar replay        gives a handler stored events again
  caddy smartcar quarantine    lists refused requests that are kept; releases, removes
  caddy smartcar vehicles      when each vehicle was last heard of; which are in error
  caddy smartcar pause, drain, resume, restart, forget   a handler
  caddy smartcar attention     what people were told of it; sends a test
  caddy smartcar signature explain   why a signature does not match
  caddy smartcar buffer accept   takes another buffer than was there before
  caddy smartcar damaged       lists damaged files that were set aside; recovers, removes
  caddy smartcar diagnose      writes a support bundle without personal data and secrets

These talk to the running Caddy through its admin endpoint: --address or --config
say where it is, --json prints what it answers, --timeout bounds the wait. A command
line that cannot be meant exits with 2, what did not work with 1.

  caddy smartcar validate      says whether a reload would take a config
  caddy smartcar demo          shows the whole way of a webhook on this machine
  caddy smartcar dev           sends your application what a fleet would, on this machine
  caddy smartcar send          signs and posts webhooks to a URL, as Smartcar does
  caddy smartcar postgres sql  the SQL that makes the tables of the plugin postgres
  caddy smartcar version       says which version of this module this is
`,
		CobraFunc: assemble,
	})
}

// assemble puts all commands below `smartcar`.
func assemble(cmd *cobra.Command) {
	cmd.AddCommand(
		statusCommand(), eventsCommand(), showCommand(), deadLettersCommand(), replayCommand(),
		pauseCommand(), drainCommand(), resumeCommand(), restartCommand(), forgetCommand(),
		attentionCommand(), bufferCommand(), damagedCommand(),
		vehiclesCommand(), signatureCommand(), quarantineCommand(), diagnoseCommand(),
		validateCommand(), versionCommand(), demo.Command(), dev.Command(), sendCommand(), postgresCommand(), pluginCommand(),
	)
	strict(cmd)
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", helpWidth)))
	complete(cmd)
}

// helpWidth is how many columns a help text takes at most.
const helpWidth = 90
