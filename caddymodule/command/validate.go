package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// defaultConfig is what Caddy itself takes where --config is not given.
const defaultConfig = "Caddyfile"

// validateFlags are the flags of `validate`.
type validateFlags struct {
	config, adapter string
	envFiles        []string
	plugins         bool
}

func validateCommand() *cobra.Command {
	var f validateFlags
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Says whether a reload would take a config",
		Long: `Checks all that "caddy validate" checks, and what only this machine can tell: the
files that handlers and buffer write to, and the programs of your own with their
checksums. With --plugins these, and the programs of the plugin stdio, are started,
take their config and end, as at a reload. Nothing that runs is touched, and no
event is delivered.

Prints a line for each thing that was checked, and each mistake with its place.
Exits with 0 when a reload would take the config and with 1 when it would not;
warnings do not count.`,
		Example: `  caddy smartcar validate --config /etc/caddy/Caddyfile --plugins`,
		Args:    cobra.NoArgs, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.config == "" {
				if _, err := os.Stat(defaultConfig); err != nil {
					return wrongUsage(cmd, errors.New("there is no Caddyfile in this folder: name the config with --config"))
				}
				f.config = defaultConfig
			}
			if err := loadEnvFiles(f.envFiles); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			return runValidate(ctx, newPrinter(cmd), f, log)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "", "the config file (default: the Caddyfile of this folder)")
	flags.StringVarP(&f.adapter, "adapter", "a", "", "the adapter to read it with, where its name does not tell")
	flags.StringSliceVar(&f.envFiles, "envfile", nil,
		"files of variables for the config, as of \"caddy validate\"; what the environment has stays")
	flags.BoolVar(&f.plugins, "plugins", false, "start the programs of your own and have them check their config")
	return cmd
}

func runValidate(ctx context.Context, p printer, f validateFlags, log *slog.Logger) error {
	read := app.Check{What: "reading " + f.config}
	config, warnings, err := readConfig(f.config, f.adapter)
	for _, w := range warnings {
		read.Warnings = append(read.Warnings, w.String())
	}
	checks := []app.Check{read}
	if err != nil {
		checks[0].Errors = append(checks[0].Errors, err.Error())
	} else {
		checks = append(checks, app.Preflight(ctx, config, app.PreflightOptions{Plugins: f.plugins, Log: log})...)
	}
	mistakes := 0
	for _, c := range checks {
		mistakes += len(c.Errors)
		p.check(c)
	}
	fmt.Fprintln(p.out)
	if mistakes > 0 {
		return fmt.Errorf("a reload would be refused: %s", text.Plural(uint64(mistakes), "mistake"))
	}
	fmt.Fprintln(p.out, "A reload would take this config.")
	return nil
}

// check prints one line, and below it what was found.
func (p printer) check(c app.Check) {
	word := "ok  "
	switch {
	case len(c.Errors) > 0:
		word = "FAIL"
	case len(c.Warnings) > 0:
		word = "warn"
	}
	fmt.Fprintf(p.out, "%s  %s\n", word, text.Clean(c.What))
	for _, line := range c.Errors {
		fmt.Fprintf(p.out, "      error: %s\n", text.CleanLines(line))
	}
	for _, line := range c.Warnings {
		fmt.Fprintf(p.out, "      warning: %s\n", text.CleanLines(line))
	}
}
