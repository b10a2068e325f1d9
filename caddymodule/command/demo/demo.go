// Package demo is `caddy smartcar demo`: the whole way of a webhook, on a real Caddy in a
// temporary folder.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/command/localedge"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Command is `caddy smartcar demo`.
func Command() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Shows the whole way of a webhook on this machine",
		Long: `Starts Caddy on a free local port with a token made for the occasion, the disk
buffer in a temporary folder and the bundled jsonl handler as a process of its
own. Sends what Smartcar sends, and what an attacker would, through real TLS, and
shows what was answered and what the handler received.

Exits with 0 only if everything came out as it must. Leaves nothing behind.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return run(ctx, cmd.OutOrStdout(), keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave it running afterwards, and print how to play with it; Ctrl-C ends it")
	return cmd
}

// run plays the story on a stage of its own.
func run(ctx context.Context, out io.Writer, keep bool) (err error) {
	fmt.Fprintln(out, "Starting Caddy with the receiver, the disk buffer and one handler ...")
	s, err := newStage()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Fprintf(out, "Receiving at %s\n\n", s.URL)

	steps := story(s.Token, time.Now())
	failed := 0
	// Fixed widths, so that each line can be printed when its step is over.
	line := fmt.Sprintf("%%-4s  %%-%ds  %%-32s  %%s\n", titleWidth(steps))
	fmt.Fprintf(out, line, "", "sent", "answered", "handler received")
	for _, step := range steps {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		answered, received, err := s.play(ctx, step)
		mark := "ok"
		if err != nil {
			mark = "FAIL"
			failed++
			received = err.Error()
		}
		fmt.Fprintf(out, line, mark, step.title, answered, received)
	}

	// The story ends with an event of the same vehicle, and a vehicle's events are
	// delivered in order: whatever else should not have come would be there by now.
	if err := s.checkReceived(steps); err != nil {
		failed++
		fmt.Fprintf(out, "FAIL  %v\n", err)
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d came out wrong", failed, len(steps))
	}
	fmt.Fprintf(out, "\nAll %d came out as they must:"+
		" each signed event reached the handler once, in order, and nothing else did.\n", len(steps))
	if keep {
		s.wait(ctx, out)
	}
	return nil
}

func titleWidth(steps []step) int {
	width := 0
	for _, step := range steps {
		width = max(width, len(step.title))
	}
	return width
}

// play sends one step and waits for what must come of it.
func (s *stage) play(ctx context.Context, st step) (answered, received string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(st.body))
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Smartcar/demo")
	if st.signature != "" {
		req.Header.Set(smartcar.SignatureHeader, st.signature)
	}
	start := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		return "-", "", fmt.Errorf("sending: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return "-", "", fmt.Errorf("reading the answer: %w", err)
	}
	answered = fmt.Sprintf("%d in %v", resp.StatusCode, time.Since(start).Round(100*time.Microsecond))
	switch {
	case st.challenge != "":
		answered += ", challenge answered"
	case st.code != "":
		answered += ", " + st.code
	}
	if err := st.check(s.Token, resp.StatusCode, body); err != nil {
		return answered, "", err
	}
	if !st.delivered {
		return answered, "nothing, as it must be", nil
	}
	if err := awaitLine(ctx, s.events, st.eventID); err != nil {
		return answered, "", err
	}
	return answered, "event " + st.eventID[:8], nil
}

// checkReceived holds all that the handler received against the story.
func (s *stage) checkReceived(steps []step) error {
	lines, err := readLines(s.events)
	if err != nil {
		return err
	}
	var want []string
	for _, step := range steps {
		if step.delivered {
			want = append(want, step.eventID)
		}
	}
	if len(lines) != len(want) {
		return fmt.Errorf("the handler received %d events, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		if line.EventID != want[i] {
			return fmt.Errorf("the handler's event %d is %s, want %s", i+1, line.EventID, want[i])
		}
	}
	return nil
}

// wait leaves everything running until ctx ends.
func (s *stage) wait(ctx context.Context, out io.Writer) {
	fmt.Fprintf(out, `
Still running; Ctrl-C ends it and removes %[1]s. In another terminal:

  %[3]s smartcar send %[2]s --token-file %[1]s/token --ca %[1]s/cert.pem --count 5
  tail -f %[1]s/events.jsonl
  cat %[1]s/Caddyfile %[1]s/handlers.hcl
  tail -f %[1]s/caddy.log
`, s.Dir, s.URL, localedge.Program())
	<-ctx.Done()
}
