package command

import (
	"errors"
	"fmt"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/command/dev"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// exitUsage is the exit code of a wrong command line.
const exitUsage = 2

// exitWith returns the error that ends the process with a code. It prints nothing.
func exitWith(cmd *cobra.Command, code int) error {
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	// Only an error that Caddy makes carries an exit code.
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
}

// usageError says that a command line cannot be meant.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// misused makes a *usageError of an error, nil of nil.
func misused(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

func misusedf(format string, args ...any) error { return misused(fmt.Errorf(format, args...)) }

// isMisuse reports whether an error is about the command line: the command or the admin API says so.
func isMisuse(err error) bool {
	_, misuse := errors.AsType[*usageError](err)
	_, flag := errors.AsType[*dev.FlagError](err)
	return misuse || flag || api.IsBadRequest(err)
}

// wrongUsage says what is wrong with the command line, and ends with exitUsage.
func wrongUsage(cmd *cobra.Command, err error) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "Error: %v\nHow it is used: %s --help\n", err, cmd.CommandPath())
	return exitWith(cmd, exitUsage)
}

// strict makes a command and all below it end with exitUsage where the command line cannot be meant: unknown flags
// and arguments, and values that the command itself refuses.
func strict(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(wrongUsage)
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			err := run(cmd, args)
			if err != nil && isMisuse(err) {
				return wrongUsage(cmd, err)
			}
			return err
		}
	}
	args := cmd.Args
	if cmd.HasSubCommands() && cmd.RunE == nil {
		args = noSubcommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		// Otherwise the error would name a flag of the mistyped command instead of the command.
		cmd.DisableFlagParsing = true
	}
	if args != nil {
		cmd.Args = func(cmd *cobra.Command, given []string) error {
			err := args(cmd, given)
			if err != nil && cmd.HasSubCommands() && len(given) > 0 {
				err = noSubcommand(cmd, given)
			}
			if err != nil {
				return wrongUsage(cmd, err)
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

// noSubcommand refuses the name of a subcommand that a command does not have.
func noSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return fmt.Errorf("there is no %q in %s: there are %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
}

// checkPick refuses a request about everything that does not say so, and one with both a
// filter and --all.
func checkPick(o api.Filter, all bool) error {
	switch {
	case o.Empty() && !all:
		return misusedf("there is no filter: give one, or --all for all there are")
	case !o.Empty() && all:
		return misusedf("there are a filter and --all: give one of them")
	default:
		return nil
	}
}
