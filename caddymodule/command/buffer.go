package command

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func bufferCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "buffer",
		Short: "Accepts another buffer than was there before",
	}
	cmd.AddCommand(acceptCommand())
	return cmd
}

// acceptFlags are the flags of `buffer accept`.
type acceptFlags struct {
	admin       adminFlags
	yes, dryRun bool
}

func acceptCommand() *cobra.Command {
	var f acceptFlags
	cmd := &cobra.Command{
		Use:   "accept",
		Short: "Goes on with what is at the buffer's path now",
		Long: `Caddy remembers which buffer a path had. Where it finds another one, or an empty
directory, it answers 503 and tries again each second: a volume may not be mounted
yet, and a new buffer would say nothing of the events that wait in the one that was
there. If that one will not come back, "accept" goes on with what is there now: a
new buffer where there is none. Events of the other one are delivered only if it is
put back.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runAccept(newPrinter(cmd), newConfirmation(cmd, f.yes), f)
		},
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what it would do")
	f.admin.register(cmd)
	return cmd
}

func runAccept(p printer, confirm confirmation, f acceptFlags) error {
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	var v api.Status
	if _, err := c.Call(http.MethodGet, "status", nil, nil, &v); err != nil {
		return err
	}
	if f.dryRun {
		fmt.Fprintf(p.out, "%s. Nothing was done (--dry-run).\n", acceptable(&v))
		return nil
	}
	// Where nothing is to be accepted, the order is refused with why.
	if !v.Receiving.Healthy {
		if err := confirm.ask(acceptable(&v) + ".\nGo on with what is there now?"); err != nil {
			return err
		}
	}
	var done api.Accepted
	raw, err := c.Call(http.MethodPost, "buffer/accept", nil, nil, &done)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	fmt.Fprintf(p.out, "%s is accepted and open: events are taken.\n", done.Accepted)
	return nil
}

// acceptable says what `accept` is about.
func acceptable(v *api.Status) string {
	if v.Receiving.Why != "" {
		return v.Receiving.Why
	}
	return "the buffer is " + v.Receiving.State
}
