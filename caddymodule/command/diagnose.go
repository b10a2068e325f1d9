package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/bundle"
)

func diagnoseCommand() *cobra.Command {
	f := diagnoseFlags{}
	cmd := &cobra.Command{
		Use:   "diagnose",
		Short: "Writes a support bundle without personal data and secrets",
		Long: `Writes a tar.gz for whoever looks for what is wrong: versions, the running config and
the handlers files with values masked, status, health, metrics, the last log lines of
this module, the disk and the buffer's files by name, limits of the machine, and
where the process's goroutines are. No token, password or value of the environment is
in it, no body, place, VIN or id of a user or vehicle, nothing that a plugin said, and
no name of this machine. README.txt in it says more: read it before you send it.

Where Caddy does not run, or does not answer, the bundle has what can be had without
it; --config names its config then. What is missing is said on stderr and in
errors.txt, and is no failure.`,
		Example: `  caddy smartcar diagnose > bundle.tar.gz
  caddy smartcar diagnose --config /etc/caddy/Caddyfile --output bundle.tar.gz`,
		Args: cobra.NoArgs, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return runDiagnose(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	f.registerCaddy(cmd, api.DefaultTimeout)
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write the bundle to this file, which must not be there yet")
	return cmd
}

type diagnoseFlags struct {
	adminFlags
	output string
}

// runDiagnose writes the bundle to out, or to the file of --output.
func runDiagnose(ctx context.Context, out, says io.Writer, f diagnoseFlags) error {
	if err := f.checkOutput(out); err != nil {
		return err
	}
	at := time.Now().UTC()
	files, missing := gather(ctx, at, f, says)
	if err := ctx.Err(); err != nil {
		return errors.New("interrupted: nothing was written")
	}
	var packed bytes.Buffer
	if err := bundle.Write(&packed, bundleFolder(at), at, files); err != nil {
		return err
	}
	if err := f.write(out, packed.Bytes()); err != nil {
		return err
	}
	for _, gap := range missing {
		fmt.Fprintf(says, "Missing: %s: %s\n", gap.Part, strings.ReplaceAll(gap.Why, "\n", " "))
	}
	fmt.Fprintf(says, "Wrote a bundle of %d files, %s. Read it before you send it: README.txt in it says what was masked.\n",
		len(files), humanize.IBytes(uint64(packed.Len())))
	return nil
}

// checkOutput refuses what would not be a file of its own, before Caddy is asked.
func (f *diagnoseFlags) checkOutput(out io.Writer) error {
	if f.timeout <= 0 {
		return misusedf("--timeout %s: must be more than 0, such as 30s", f.timeout)
	}
	if f.output != "" {
		if _, err := os.Lstat(f.output); err == nil {
			return misusedf("--output %s: there is such a file already; name another", f.output)
		}
		return nil
	}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return misusedf("a bundle is a tar.gz, which is nothing for a terminal:" +
			" caddy smartcar diagnose > bundle.tar.gz, or --output bundle.tar.gz")
	}
	return nil
}

// write writes the bundle. A file that could not be written to its end is removed.
func (f *diagnoseFlags) write(out io.Writer, packed []byte) error {
	if f.output == "" {
		if _, err := out.Write(packed); err != nil {
			return fmt.Errorf("writing the bundle: %w", err)
		}
		return nil
	}
	file, err := os.OpenFile(f.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	_, err = file.Write(packed)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing the bundle: %w", err), os.Remove(f.output))
	}
	return nil
}
