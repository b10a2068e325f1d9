package command

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

func pauseCommand() *cobra.Command {
	var drain bool
	cmd := handlerCommand("pause", "Stops deliveries to a handler until they are resumed",
		`Nothing more is sent to the handler; its events wait. Receiving and the other
handlers go on. The pause is kept over reloads and restarts, until "resume".`,
		func() string {
			if drain {
				return "drain"
			}
			return "pause"
		})
	cmd.Flags().BoolVar(&drain, "drain", false, "wait until nothing is in flight")
	return cmd
}

func drainCommand() *cobra.Command {
	return handlerCommand("drain", "Pauses a handler and waits until nothing is in flight",
		`As "pause --drain": afterwards the handler's process is at rest and stays so until
"resume", over reloads and restarts.`,
		func() string { return "drain" })
}

func resumeCommand() *cobra.Command {
	return handlerCommand("resume", "Lets a handler go on at once: after a pause, or when what failed is fixed",
		`Ends a pause, closes the handler's breaker if it is open, and makes due what waits
for its next attempt. What has waited is delivered, in order. It says "it is fixed,
try now": what fails again waits again, and attempts stay counted.`,
		func() string { return "resume" })
}

func restartCommand() *cobra.Command {
	return handlerCommand("restart", "Ends a handler's process and starts a new one",
		`The new process runs the code that is there now, such as that of an interpreted
plugin, which no reload takes. It starts beside the old one, which gets time to
finish what it has; if it does not start, the old one goes on, and the error says
why. No event is lost, and none overtakes another of its vehicle. A pause stays;
events that wait for their next attempt do, too, until "resume".`,
		func() string { return "restart" })
}

// handlerCommand does one thing to one handler, and prints its state afterwards.
func handlerCommand(name, what, long string, order func() string) *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:          name + " HANDLER",
		Short:        what,
		Long:         long,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := newPrinter(cmd)
			c, err := f.client()
			if err != nil {
				return err
			}
			var h api.Handler
			raw, err := c.Call(http.MethodPost, "handlers/"+url.PathEscape(args[0])+"/"+order(), nil, nil, &h)
			if f.json || err != nil {
				return p.raw(raw, err)
			}
			p.ordered(&h)
			return nil
		},
	}
	f.registerWith(cmd, longTimeout) // a drain takes as long as what is in flight
	return cmd
}

// ordered prints the state of a handler after a command.
func (p printer) ordered(h *api.Handler) {
	behind := text.Plural(h.Behind.Events, "event")
	if h.PausedSince.IsZero() && h.State != "paused" && h.State != "draining" {
		fmt.Fprintf(p.out, "%s goes on (%s), %s to deliver.\n", h.Name, h.State, behind)
		return
	}
	fmt.Fprintf(p.out, "%s is paused since %s, %s in flight, %s waiting. To go on: %s\n",
		h.Name, p.clock(h.PausedSince), text.Count(h.InFlight), behind, p.command("caddy smartcar resume "+h.Name))
}

// forgetFlags are the flags of `forget`.
type forgetFlags struct {
	admin       adminFlags
	yes, dryRun bool
}

func forgetCommand() *cobra.Command {
	var f forgetFlags
	cmd := &cobra.Command{
		Use:   "forget HANDLER",
		Short: "Lets go of what waits for a handler that has been removed",
		Long: `A handler that is taken out of the handlers file, or renamed, leaves its position
and its backlog in the buffer, so that it can be put back. "forget" removes them for
good. Its dead letters stay, and so do the events, for the other handlers.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runForget(newPrinter(cmd), newConfirmation(cmd, f.yes), f, args[0])
		},
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what it would do")
	f.admin.register(cmd)
	return cmd
}

func runForget(p printer, confirm confirmation, f forgetFlags, name string) error {
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	var v api.Status
	if _, err := c.Call(http.MethodGet, "status", nil, nil, &v); err != nil {
		return err
	}
	i := slices.IndexFunc(v.Removed, func(r api.RemovedHandler) bool { return r.Name == name })
	if i >= 0 {
		r := &v.Removed[i]
		what := fmt.Sprintf("%s for %s, removed %s ago", text.Waiting(r.Behind.Events), name,
			text.Duration(v.At.Sub(r.RemovedAt).Round(time.Second)))
		if f.dryRun {
			fmt.Fprintf(p.out, "%s. Nothing was done (--dry-run).\n", what)
			return nil
		}
		if err := confirm.ask(what + ". Let go of it for good?"); err != nil {
			return err
		}
	}
	// A handler that is not there, or not removed, is refused with what there is.
	if i < 0 && f.dryRun {
		return fmt.Errorf("%q is no removed handler: `caddy smartcar status` shows them", name)
	}
	raw, err := c.Call(http.MethodDelete, "handlers/"+url.PathEscape(name), nil, nil, nil)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	fmt.Fprintf(p.out, "%s is forgotten. Its dead letters, if any, stay.\n", name)
	return nil
}
