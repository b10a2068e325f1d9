package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/buildinfo"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Prints the version of this module",
		Long: `Prints the version of this module, and the commit where it is known. It is that of
this program; "status" has that of the Caddy that runs. What was built from files
without a version is (devel).`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info := buildinfo.Read()
			line := buildinfo.Module + " " + info.String()
			if info.Caddy != "" {
				line += "; Caddy " + info.Caddy
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), line+"; "+info.Go)
			return err
		},
	}
}
