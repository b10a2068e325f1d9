package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/postgres"
)

func postgresCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "postgres",
		Short: "Prints the SQL that makes the tables of the plugin postgres",
	}
	cmd.AddCommand(postgresSQLCommand())
	return cmd
}

func postgresSQLCommand() *cobra.Command {
	var schema string
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "Prints the SQL that makes the schema and its tables",
		Long: `Prints the SQL that makes the schema and the tables of the plugin postgres, where the
handler's own user may not do it with migrate = true. Run it as the user who shall
own them. It is one transaction, and records the version of the tables, so that
migrate = true goes on from there.`,
		Example: `  caddy smartcar postgres sql | psql fleet
  caddy smartcar postgres sql --schema cars > tables.sql`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sql, err := postgres.SetupSQL(schema)
			if err != nil {
				return misusedf("--schema %q is %w", schema, err)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), sql)
			return err
		},
	}
	cmd.Flags().StringVar(&schema, "schema", postgres.DefaultSchema, "the schema, as the handler's config names it")
	return cmd
}
