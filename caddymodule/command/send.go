package command

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/simulator"
)

// sendFlags are the command's flags before they are checked.
type sendFlags struct {
	kind                string
	tokenFile, tokenEnv string
	ca, file            string
	duplicates, forge   string
	verbose             bool
	options             simulator.Options
}

func sendCommand() *cobra.Command {
	var f sendFlags
	cmd := &cobra.Command{
		Use:   "send URL",
		Short: "Signs and posts webhooks to a URL, as Smartcar does",
		Long: `Makes events, signs them with the Application Management Token and posts them to
URL the way Smartcar does. Prints a table of the answers and their latencies, and
exits with 0 only if every answer was as it must be: that it is stored, for what is
genuine, a refusal for what is forged, the right hash for a VERIFY.

The token comes from the environment variable SMARTCAR_TOKEN, or from what
--token-env or --token-file names. It is never a flag, so that it does not end up
in the shell's history.`,
		Example: `  caddy smartcar send https://localhost/webhooks/smartcar --count 1000 --duplicates 10%
  caddy smartcar send https://localhost/webhooks/smartcar --type verify
  caddy smartcar send https://localhost/webhooks/smartcar --type error --vehicle van-7
  caddy smartcar send https://localhost/webhooks/smartcar --type resolved --vehicle van-7
  caddy smartcar send https://localhost/webhooks/smartcar --file event.json --ca cert.pem`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			f.options.URL = args[0]
			return runSend(ctx, cmd.OutOrStdout(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "type", "state", "what is sent: state, error, resolved (the end of that error), verify or verify-v2")
	flags.StringVar(&f.tokenEnv, "token-env", "SMARTCAR_TOKEN", "the environment variable that holds the token")
	flags.StringVar(&f.tokenFile, "token-file", "", "a file that holds the token, in place of --token-env")
	flags.StringVar(&f.ca, "ca", "", "a PEM file with the certificate to trust, in place of the system's")
	flags.StringVar(&f.file, "file", "", "send this file's bytes as the body, in place of made-up events")
	flags.IntVar(&f.options.Count, "count", 1, "how many events; duplicates and retries come on top")
	flags.Float64Var(&f.options.Rate, "rate", 0, "requests per second; 0: as fast as answers come")
	flags.IntVar(&f.options.Concurrency, "concurrency", 1, "requests under way at a time")
	flags.IntVar(&f.options.Vehicles, "vehicles", 1, "how many vehicles the events are about")
	flags.StringVar(&f.options.VehicleID, "vehicle", "", "the id of the one vehicle that the events are about, in place of --vehicles")
	flags.StringVar(&f.duplicates, "duplicates", "0", "share of the events that are delivered twice: 0.1 or 10%")
	flags.StringVar(&f.forge, "forge", "0",
		"share of the events with a wrong signature; with --type verify, of signing-oracle attempts")
	flags.BoolVar(&f.options.Retry, "retry", false,
		"send again what was not answered with a 2xx: 4 attempts, 25, 50 and 100 s apart")
	flags.Float64Var(&f.options.ClockFactor, "clock-factor", 1, "divides the waits of --retry")
	flags.IntVar(&f.options.Size, "size", 0, "bytes of a made-up body; 0: as many as needed")
	flags.StringVar(&f.options.Mode, "mode", "TEST", "meta.mode of made-up events")
	flags.StringVar(&f.options.Webhook, "webhook", "", "meta.webhookId of made-up events; a random one unless given")
	flags.BoolVar(&f.options.Any2xx, "any-2xx", false,
		"every 2xx is as it must be, as of an application behind smartcar_verify")
	flags.DurationVar(&f.options.Timeout, "timeout", 15*time.Second, "the longest wait for an answer")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "a line for each request")
	return cmd
}

func runSend(ctx context.Context, out io.Writer, f sendFlags) error {
	o := f.options
	if o.Count < 1 {
		return misusedf("--count %d: must be 1 or more", o.Count)
	}
	o.Type = simulator.Type(f.kind)
	var err error
	if o.Token, err = f.token(); err != nil {
		return err
	}
	if o.Duplicates, err = simulator.ParseShare(f.duplicates); err != nil {
		return misusedf("--duplicates: %w", err)
	}
	if o.Forge, err = simulator.ParseShare(f.forge); err != nil {
		return misusedf("--forge: %w", err)
	}
	if o.TLS, err = f.tls(); err != nil {
		return err
	}
	if f.file != "" {
		if o.Body, err = os.ReadFile(f.file); err != nil {
			return fmt.Errorf("reading --file: %w", err)
		}
	}
	if f.verbose {
		lines := tabwriter.NewWriter(out, 6, 0, 2, ' ', 0)
		o.OnResult = func(r simulator.Result) {
			writeResult(lines, r)
			_ = lines.Flush()
		}
	}
	summary, err := simulator.Run(ctx, o)
	if _, wrong := errors.AsType[*simulator.OptionsError](err); wrong {
		return misused(err)
	}
	if err != nil {
		return err
	}
	if err := summary.Write(out); err != nil {
		return err
	}
	if !summary.OK() {
		return errors.New("not every answer was as it must be")
	}
	return nil
}

func (f sendFlags) token() (string, error) {
	if f.tokenFile != "" {
		data, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return "", fmt.Errorf("reading --token-file: %w", err)
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	}
	token := os.Getenv(f.tokenEnv)
	if token == "" {
		return "", fmt.Errorf("the environment variable %s is empty:"+
			" put the Application Management Token there, or name a file with --token-file", f.tokenEnv)
	}
	return token, nil
}

func (f sendFlags) tls() (*tls.Config, error) {
	if f.ca == "" {
		return nil, nil
	}
	data, err := os.ReadFile(f.ca)
	if err != nil {
		return nil, fmt.Errorf("reading --ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("--ca %s holds no PEM certificate", f.ca)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// writeResult is one line of --verbose. Ids of vehicles stay out of it: it may end
// up in a log.
func writeResult(w io.Writer, r simulator.Result) {
	answer := fmt.Sprint(r.Status)
	if r.Err != nil {
		answer = "no answer: " + r.Err.Error()
	}
	kind := ""
	switch {
	case r.Forged:
		kind = "forged"
	case r.Duplicate:
		kind = "duplicate"
	case r.Attempt > 1:
		kind = fmt.Sprintf("attempt %d", r.Attempt)
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s %s\t%v\n",
		r.Type, r.EventID, kind, answer, r.AnswerCode, r.Latency.Round(10*time.Microsecond))
}
