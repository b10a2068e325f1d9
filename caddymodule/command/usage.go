package command

import (
	"errors"
	"fmt"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

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

// wrongUsage says what is wrong with the command line, and ends with exitUsage.
func wrongUsage(cmd *cobra.Command, err error) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "Error: %v\nHow it is used: %s --help\n", err, cmd.CommandPath())
	return exitWith(cmd, exitUsage)
}

// strict makes a command and all below it refuse unknown flags and arguments, with exitUsage.
func strict(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(wrongUsage)
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
		return errors.New("there is no filter: give one, or --all for all there are")
	case !o.Empty() && all:
		return errors.New("there are a filter and --all: give one of them")
	default:
		return nil
	}
}
