package command

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// Exit codes of `status`.
const (
	exitHealthy   = 0
	exitAttention = 1
	exitUnknown   = 2
)

func statusCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:   "status [HANDLER]",
		Short: "Says whether all is well, and what needs attention",
		Long: `Asks the running Caddy: are events received, how far is each handler, what needs
attention and what to do about it. With the name of a handler, all about that one.

Exits with 0 when nothing needs attention, 1 when something does, and 2 when Caddy
could not be asked or there is no such handler. With the name of a handler, that is
about this handler.`,
		Args:         cobra.MaximumNArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			code, err := runStatus(newPrinter(cmd), f, args)
			if err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "Error:", err)
				code = exitUnknown
			}
			if code == exitHealthy {
				return nil
			}
			if code == exitAttention {
				cmd.SilenceErrors = true
				return errNeedsAttention
			}
			return exitWith(cmd, code)
		},
	}
	f.register(cmd)
	return cmd
}

var errNeedsAttention = fmt.Errorf("something needs attention")

func runStatus(p printer, f adminFlags, args []string) (code int, err error) {
	c, err := f.client()
	if err != nil {
		return exitUnknown, err
	}
	var v api.Status
	raw, err := c.Call(http.MethodGet, "status", nil, nil, &v)
	if err != nil {
		return exitUnknown, err
	}
	if len(args) > 0 {
		return runHandlerStatus(p, f, c, &v, args[0])
	}
	code = exitHealthy
	if !v.Healthy {
		code = exitAttention
	}
	if f.json {
		return code, p.raw(raw, nil)
	}
	return code, p.status(&v)
}

// runHandlerStatus is about one handler, which may be a removed one.
func runHandlerStatus(p printer, f adminFlags, c *api.Client, v *api.Status, name string) (code int, err error) {
	h := slices.IndexFunc(v.Handlers, func(h api.Handler) bool { return h.Name == name })
	r := slices.IndexFunc(v.Removed, func(r api.RemovedHandler) bool { return r.Name == name })
	if h < 0 && r < 0 {
		if len(handlerNames(v)) == 0 {
			return exitUnknown, fmt.Errorf("there is no handler %q: the running config has none", name)
		}
		return exitUnknown, fmt.Errorf("there is no handler %q: there are %s", name, strings.Join(handlerNames(v), ", "))
	}
	about := slices.DeleteFunc(slices.Clone(v.Attention), func(a api.Attention) bool { return a.Handler != name })
	code = exitHealthy
	if len(about) > 0 || h >= 0 && v.Handlers[h].State != "ok" && v.Handlers[h].State != "waiting" {
		code = exitAttention
	}
	if f.json {
		return code, p.raw(c.Call(http.MethodGet, "handlers/"+url.PathEscape(name), nil, nil, nil))
	}
	if h >= 0 {
		err = p.handler(&v.Handlers[h])
	} else {
		err = p.removed(&v.Removed[r])
	}
	if err == nil && len(about) > 0 {
		fmt.Fprintln(p.out)
		p.attention(about, 0, true)
	}
	return code, err
}

func handlerNames(v *api.Status) []string {
	names := make([]string, 0, len(v.Handlers)+len(v.Removed))
	for i := range v.Handlers {
		names = append(names, v.Handlers[i].Name)
	}
	for i := range v.Removed {
		names = append(names, v.Removed[i].Name+" (removed)")
	}
	return names
}
