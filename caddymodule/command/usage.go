package command

import (
	"errors"
	"fmt"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// exitUsage is the exit code of a command line that cannot be meant.
const exitUsage = 2

// exitWith makes the error that ends the process with a code, and prints nothing.
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

// strict has a command and all below it refuse what they do not know, with exitUsage.
func strict(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(wrongUsage)
	args := cmd.Args
	if cmd.HasSubCommands() && cmd.RunE == nil {
		args = noSubcommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		// Else a flag of the command that was meant is what is said to be wrong.
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

// noSubcommand refuses a name that is none of a command's.
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

// checkPick refuses an order about everything that does not say so, and one that says
// two things.
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
