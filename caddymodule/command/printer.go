package command

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// printer writes for people, with times in one zone.
type printer struct {
	out  io.Writer
	zone *time.Location
	// width of the terminal, 0 when there is none; wide: nothing is shortened for it.
	width int
	wide  bool
	// at is how commands learn where Caddy is, with a space before it.
	at string
}

func newPrinter(cmd *cobra.Command) printer {
	p := printer{out: cmd.OutOrStdout(), zone: time.Local, width: widthOf(cmd.OutOrStdout())}
	flags := cmd.Flags()
	p.wide, _ = flags.GetBool("wide")
	for _, name := range []string{"address", "config", "adapter"} {
		if value, err := flags.GetString(name); err == nil && value != "" {
			if strings.ContainsAny(value, " \t\"$&;()*?") {
				value = "'" + value + "'"
			}
			p.at += " --" + name + " " + value
		}
	}
	return p
}

// narrow reports whether tables have to fit on a terminal.
func (p printer) narrow() bool { return p.width > 0 && !p.wide }

// screen is the width of a terminal that nobody has widened.
const screen = 80

// clock is a moment, "-" when there is none.
func (p printer) clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(p.zone).Format("2006-01-02 15:04:05")
}

// brief is a moment lately, without the year and, on the same day, without the date.
func (p printer) brief(t, now time.Time, layout string) string {
	t, now = t.In(p.zone), now.In(p.zone)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(layout)
	}
	return t.Format("01-02 " + layout)
}

// table writes rows under a heading; the cells of a row are separated by tabs.
func (p printer) table(heading string, rows []string) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, heading)
	for _, row := range rows {
		fmt.Fprintln(w, row)
	}
	return w.Flush()
}

// pair is one line of a description.
type pair struct{ name, value string }

// pairs writes the lines that have a value.
func (p printer) pairs(pairs []pair) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, line := range pairs {
		if line.value != "" && line.value != "-" {
			fmt.Fprintf(w, "%s\t%s\n", line.name, line.value)
		}
	}
	return w.Flush()
}

// cells joins cells to a row. What came from outside must not steer the terminal or
// break the table.
func cells(values ...string) string {
	for i, v := range values {
		if v = text.Clean(v); v == "" {
			v = "-"
		}
		values[i] = v
	}
	return strings.Join(values, "\t")
}

// age is how long ago something was, from the seconds of an answer.
func age(seconds float64) string {
	if seconds <= 0 {
		return "-"
	}
	return text.Duration(time.Duration(seconds * float64(time.Second)))
}
