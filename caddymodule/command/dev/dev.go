// Package dev is `caddy smartcar dev`: an edge on a laptop, and a fleet that sends it what Smartcar would.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/fleet"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// FlagError says that the value of a flag cannot be meant.
type FlagError struct{ Flag, Want string }

func (e *FlagError) Error() string { return "--" + e.Flag + ": must be " + e.Want }

// flags are those of the command.
type flags struct {
	forwardTo, keep, tokenFile string
	fleet                      fleet.Options
}

// Command is `caddy smartcar dev`.
func Command() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Sends your application what a fleet would, on this machine",
		Long: `Starts an edge on a free local port with a token made for the occasion, and
vehicles that drive, park, charge and fail. Their events come as Smartcar sends
them: some twice, some late, some overtaken by the next, errors and their ends.
The edge verifies and stores them and posts each to your application, as the
plugin http does. What was sent and what the application answered is shown.

Without --forward-to each event is a line of JSON on standard output, as the
plugin jsonl writes it, and everything else goes to standard error.

Where the application does not run, its events wait. Ctrl-C ends everything and
leaves nothing behind; with --keep, its folder.`,
		Example: `  caddy smartcar dev --forward-to http://localhost:3000/webhooks/smartcar
  caddy smartcar dev --vehicles 20 --rate 5 --seed 7 | jq .event_type`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			// Else the end of `dev | head` would end this process without a farewell to its folder.
			broken := make(chan os.Signal, 1)
			signal.Notify(broken, syscall.SIGPIPE)
			defer signal.Stop(broken)
			return run(ctx, pipe{cmd.OutOrStdout(), stop}, pipe{cmd.ErrOrStderr(), stop}, f)
		},
	}
	set := cmd.Flags()
	set.StringVar(&f.forwardTo, "forward-to", "", "your application's address; without it events are printed")
	set.IntVar(&f.fleet.Vehicles, "vehicles", 3, "how many vehicles there are")
	set.Float64Var(&f.fleet.Rate, "rate", 1, "events a second, all vehicles together; what comes again is on top")
	set.IntVar(&f.fleet.Count, "count", 0,
		"end once so many events are delivered, and the errors among them have ended; 0: at Ctrl-C")
	set.Uint64Var(&f.fleet.Seed, "seed", 0, "makes the events of an earlier run again; 0: others")
	set.Float64Var(&f.fleet.ClockFactor, "clock-factor", 1, "divides the waits before what comes again or late, up to 175 s")
	set.StringVar(&f.tokenFile, "token-file", "", "a file with the token, in place of one made for the occasion")
	set.StringVar(&f.keep, "keep", "", "a new folder for everything, which stays")
	return cmd
}

// pipe ends everything when nobody reads any more.
type pipe struct {
	io.Writer
	stop func()
}

func (p pipe) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	if err != nil {
		p.stop()
	}
	return n, err
}

// check returns what is wrong with the flags, a *FlagError.
func (f flags) check() error {
	if f.forwardTo == "" {
		return nil
	}
	u, err := url.Parse(f.forwardTo)
	// It is not repeated: it may hold a secret.
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return &FlagError{"forward-to", "a whole address without a password, such as http://localhost:3000/webhooks/smartcar"}
	}
	return nil
}

// token is that of --token-file, empty without.
func (f flags) token() (string, error) {
	if f.tokenFile == "" {
		return "", nil
	}
	data, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return "", fmt.Errorf("reading --token-file: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if err := smartcar.CheckToken(token); err != nil {
		return "", fmt.Errorf("--token-file: the token %w", err)
	}
	return token, nil
}

// plan checks the rest of the flags too.
func (f flags) plan() (*fleet.Plan, error) {
	p, err := fleet.NewPlan(f.fleet)
	if wrong, ok := errors.AsType[*fleet.OptionsError](err); ok {
		return nil, &FlagError{wrong.Option, wrong.Want}
	}
	return p, err
}

// run is the command. lines takes the events where they are printed, says everything else there.
func run(ctx context.Context, lines, says io.Writer, f flags) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.fleet.Seed == 0 {
		f.fleet.Seed = 1 + rand.Uint64N(999_999) // short enough to be typed
	}
	if _, err := f.plan(); err != nil {
		return err
	}
	if f.forwardTo != "" {
		lines, says = nil, lines
	}
	s, err := newSession(f, lines, says)
	if err != nil {
		return err
	}
	f.fleet.Start = time.Now()
	plan, err := f.plan()
	if err != nil {
		return errors.Join(err, s.close())
	}
	s.play(ctx, plan)
	return s.close()
}
