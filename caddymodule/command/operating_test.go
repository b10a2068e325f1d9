package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const operatingDoc = "../docs/operating.md"

// shown is a block of the page that shows what a golden file holds.
var shown = regexp.MustCompile("(?s)(<!-- ([a-z-]+)\\.golden -->\n```\n)(.*?)```\n")

// What the pages show as printed is printed.
func TestOperatingDocShowsRealOutput(t *testing.T) {
	showsRealOutput(t, operatingDoc, 5)
	showsRealOutput(t, "../docs/rotation.md", 1)
}

func showsRealOutput(t *testing.T, path string, least int) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	written := shown.ReplaceAllStringFunc(string(page), func(block string) string {
		blocks++
		m := shown.FindStringSubmatch(block)
		golden, err := os.ReadFile(filepath.Join("testdata", m[2]+".golden"))
		if err != nil {
			t.Error(err)
			return block
		}
		if m[3] != string(golden) && !*update {
			t.Errorf("the page shows something else than %s.golden; run the test with -update", m[2])
		}
		return m[1] + string(golden) + "```\n"
	})
	if blocks < least {
		t.Errorf("%s: %d blocks, want at least %d", path, blocks, least)
	}
	if *update {
		if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Each command is on the page.
func TestOperatingDocHasEachCommand(t *testing.T) {
	data, err := os.ReadFile(operatingDoc)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	want := func(what, words string) {
		t.Helper()
		if !strings.Contains(text, words) {
			t.Errorf("%s %s is not on the page", what, words)
		}
	}
	root := smartcarCommand()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Hidden {
				continue
			}
			want("command", "caddy "+sub.CommandPath())
			walk(sub)
		}
	}
	walk(root)
}
