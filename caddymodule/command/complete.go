package command

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// completeTimeout bounds a completion: somebody waits at the prompt.
const completeTimeout = 2 * time.Second

// completion proposes words that begin with what is typed, by asking the running Caddy.
type completion func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// complete gives a command and all below it the completion of their arguments and flags: names of handlers and ids of
// replays where they are meant, and files only where a flag names one.
func complete(cmd *cobra.Command) {
	cmd.ValidArgsFunction = nothing
	switch use := cmd.Use; {
	case use == "forget HANDLER":
		cmd.ValidArgsFunction = first(removedHandlers)
	case strings.HasSuffix(use, " HANDLER"), strings.HasSuffix(use, " [HANDLER]"):
		cmd.ValidArgsFunction = first(handlers)
	case use == "recover NAME", use == "remove NAME":
		cmd.ValidArgsFunction = first(damagedFiles)
	case use == "stop ID", use == "resume ID":
		cmd.ValidArgsFunction = first(replays)
	case use == "plugin NAME":
		cmd.ValidArgsFunction = nil // hidden
	}
	for flag, propose := range map[string]completion{
		"handler": asked(handlers), "address": nothing, "adapter": nothing, "cursor": nothing, "since": nothing, "until": nothing,
		"vehicle": nothing, "source": nothing, "webhook": nothing, "event-id": nothing, "limit": nothing, "rate": nothing,
		"timeout": nothing, "silent": nothing, "signature": nothing, "token-env": nothing, "type": words("VEHICLE_STATE", "VEHICLE_ERROR"), "mode": words("LIVE", "TEST"),
		"reason": words("rejected", "exhausted", "expired", "poison", "unreadable"),
	} {
		if cmd.Flags().Lookup(flag) != nil && cmd.Name() != "send" {
			_ = cmd.RegisterFlagCompletionFunc(flag, propose) // fails only if it was registered
		}
	}
	for _, sub := range cmd.Commands() {
		complete(sub)
	}
}

func nothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func words(list ...string) completion {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// first proposes for the first argument only.
func first(names func(*api.Status) []string) completion {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nothing(cmd, args, typed)
		}
		return asked(names)(cmd, args, typed)
	}
}

// asked proposes names out of the running Caddy's status, and nothing where it does not answer.
func asked(names func(*api.Status) []string) completion {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		f := adminFlags{timeout: completeTimeout}
		for flag, to := range map[string]*string{"address": &f.address, "config": &f.config, "adapter": &f.adapter} {
			*to, _ = cmd.Flags().GetString(flag)
		}
		c, err := f.client()
		if err != nil {
			return nothing(cmd, args, typed)
		}
		var v api.Status
		if _, err := c.Call(http.MethodGet, "status", nil, nil, &v); err != nil {
			return nothing(cmd, args, typed)
		}
		fits := slices.DeleteFunc(names(&v), func(name string) bool { return !strings.HasPrefix(name, typed) })
		return fits, cobra.ShellCompDirectiveNoFileComp
	}
}

func handlers(v *api.Status) []string {
	var names []string
	for i := range v.Handlers {
		names = append(names, v.Handlers[i].Name)
	}
	return names
}

func removedHandlers(v *api.Status) []string {
	var names []string
	for i := range v.Removed {
		names = append(names, v.Removed[i].Name)
	}
	return names
}

func damagedFiles(v *api.Status) []string {
	var names []string
	for i := range v.Buffer.Damaged {
		names = append(names, v.Buffer.Damaged[i].Name)
	}
	return names
}

func replays(v *api.Status) []string {
	var ids []string
	for i := range v.Replays {
		ids = append(ids, v.Replays[i].ID)
	}
	return ids
}
