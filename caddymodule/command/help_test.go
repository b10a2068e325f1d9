package command

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Each help text fits on a terminal that is a little wider than usual.
func TestHelpWidth(t *testing.T) {
	var walk func(cmd *cobra.Command, path []string)
	walk = func(cmd *cobra.Command, path []string) {
		t.Run(strings.Join(append([]string{"smartcar"}, path...), " "), func(t *testing.T) {
			out, _, err := runIt(append(path, "--help")...)
			if err != nil || !strings.Contains(out, "Usage") {
				t.Fatalf("%v\n%s", err, out)
			}
			for line := range strings.Lines(out) {
				line = strings.TrimRight(line, "\n")
				if n := utf8.RuneCountInString(line); n > helpWidth {
					t.Errorf("%d columns, at most %d may be: %s", n, helpWidth, line)
				}
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub, append(path[:len(path):len(path)], sub.Name()))
		}
	}
	walk(smartcarCommand(), nil)
}
