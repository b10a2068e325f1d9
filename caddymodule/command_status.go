package caddymodule

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Exit codes of `status`.
const (
	exitHealthy = 0
	exitPerson  = 1
	exitUnknown = 2
)

func statusCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:   "status [HANDLER]",
		Short: "Says whether all is well, and what needs a person",
		Long: `Asks the running Caddy: are events received, how far is each handler, what needs
a person and what to do about it. With the name of a handler, all about that one.

Exits with 0 when nothing needs a person, 1 when something does, and 2 when Caddy
could not be asked.`,
		Args:          cobra.MaximumNArgs(1),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			code, err := runStatus(newPrinter(cmd.OutOrStdout()), f, args)
			if err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "Error:", err)
				code = exitUnknown
			}
			switch code {
			case exitHealthy:
				return nil
			case exitPerson:
				return errNeedsPerson
			default:
				// Only an error that Caddy makes carries an exit code.
				return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, args)
			}
		},
	}
	f.register(cmd)
	return cmd
}

var errNeedsPerson = fmt.Errorf("something needs a person")

func runStatus(p printer, f adminFlags, args []string) (code int, err error) {
	c, err := f.client()
	if err != nil {
		return exitUnknown, err
	}
	var v statusView
	raw, err := c.call(http.MethodGet, "status", nil, nil, &v)
	if err != nil {
		return exitUnknown, err
	}
	code = exitHealthy
	if !v.Healthy {
		code = exitPerson
	}
	switch {
	case f.json:
		_, err = p.out.Write(raw)
	case len(args) == 0:
		err = p.status(&v)
	default:
		i := slices.IndexFunc(v.Handlers, func(h handlerView) bool { return h.Name == args[0] })
		if i < 0 {
			return exitUnknown, fmt.Errorf("there is no handler %q: there are %s", args[0], strings.Join(handlerNames(&v), ", "))
		}
		err = p.handler(&v.Handlers[i])
		if v.Handlers[i].State == "ok" || v.Handlers[i].State == "waiting" {
			code = exitHealthy
		}
	}
	return code, err
}

func handlerNames(v *statusView) []string {
	names := make([]string, 0, len(v.Handlers))
	for i := range v.Handlers {
		names = append(names, v.Handlers[i].Name)
	}
	return names
}
