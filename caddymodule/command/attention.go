package command

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

func attentionCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:   "attention",
		Short: "Says what people were told of what needs attention",
		Long: `Where the config has a block "attention", people are told of what needs attention:
"attention" lists where messages go and whether they get through, what stands, and
which messages were sent. "attention test" sends one.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := newPrinter(cmd)
			c, err := f.client()
			if err != nil {
				return err
			}
			var r api.AttentionReport
			raw, err := c.Call(http.MethodGet, "attention", nil, nil, &r)
			if f.json || err != nil {
				return p.raw(raw, err)
			}
			return p.attentionReport(&r)
		},
	}
	f.register(cmd)
	cmd.AddCommand(attentionTestCommand())
	return cmd
}

// errNobodyTold: there is nobody to send a test to.
var errNobodyTold = errors.New("nobody is told: the running config has no block attention," +
	" or no target in it that works")

func (p printer) attentionReport(r *api.AttentionReport) error {
	if len(r.Targets) == 0 {
		fmt.Fprintln(p.out, "Nobody is told: the running config has no block attention.")
		return nil
	}
	level := "errors and warnings"
	if r.Level == api.LevelError {
		level = "errors only"
	}
	seconds := func(n float64) string { return text.Duration(time.Duration(n * float64(time.Second))) }
	fmt.Fprintf(p.out, "Told after %s, and each %s while it lasts: %s.\n\n", seconds(r.After), seconds(r.Every), level)
	rows := make([]string, 0, len(r.Targets))
	for _, t := range r.Targets {
		state := "ok"
		if !t.FailingSince.IsZero() {
			state = "failing"
		}
		rows = append(rows, cells(t.Target, state, text.Count(t.Sent), p.clock(t.LastSentAt)))
	}
	if err := p.table(cells("TARGET", "STATE", "SENT", "LAST"), rows); err != nil {
		return err
	}
	for _, t := range r.Targets {
		if t.LastError == "" {
			continue
		}
		p.lines("! ", fmt.Sprintf("%s has failed since %s: %s; next try at %s",
			t.Target, p.clock(t.FailingSince), t.LastError, p.clock(t.NextTryAt)))
	}
	fmt.Fprintln(p.out)
	if len(r.Items) == 0 {
		fmt.Fprintln(p.out, "Nothing stands.")
	}
	for _, it := range r.Items {
		mark := "! "
		if it.Level == api.LevelWarning {
			mark = "- "
		}
		p.lines(mark, fmt.Sprintf("since %s: %s (%s)", p.clock(it.Since), it.What, it.ID))
	}
	if len(r.Messages) > 0 {
		fmt.Fprintln(p.out, "\nMessages, the newest last:")
	}
	for _, m := range r.Messages {
		p.lines("  ", fmt.Sprintf("%s  %s  %s", p.clock(m.At), m.Target, m.Title))
	}
	return nil
}

// lines writes a text that may be longer than a line.
func (p printer) lines(mark, words string) {
	for _, line := range p.linesAfter(mark, words, true) {
		fmt.Fprintln(p.out, line)
	}
}

func attentionTestCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Sends a message that says it is a test",
		Long: `Sends a message that says it is a test to each target of the running config, and says
which got through. Exits with 1 where one did not, or where there is no target.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := newPrinter(cmd)
			c, err := f.client()
			if err != nil {
				return err
			}
			var r api.AttentionTests
			raw, err := c.Call(http.MethodPost, "attention/test", nil, nil, &r)
			if err != nil {
				return err
			}
			if f.json {
				err = p.raw(raw, nil)
			} else {
				p.attentionTests(&r)
			}
			return errors.Join(err, unsent(&r))
		},
	}
	f.register(cmd)
	return cmd
}

func (p printer) attentionTests(r *api.AttentionTests) {
	for _, t := range r.Results {
		if t.Sent {
			fmt.Fprintf(p.out, "ok    %s\n", t.Target)
			continue
		}
		fmt.Fprintf(p.out, "FAIL  %s: %s\n", t.Target, text.Clean(t.Error))
	}
}

// unsent is the error of a test that not all have got.
func unsent(r *api.AttentionTests) error {
	if len(r.Results) == 0 {
		return errNobodyTold
	}
	failed := uint64(0)
	for _, t := range r.Results {
		if !t.Sent {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s did not get through", text.Plural(failed, "message"))
	}
	return nil
}
