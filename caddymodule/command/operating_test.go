package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const (
	operatingDoc  = "../docs/operating.md"
	signaturesDoc = "../docs/signatures.md"
)

// shown is a block of the page that shows what a golden file holds.
var shown = regexp.MustCompile("(?s)(<!-- ([a-z-]+)\\.golden -->\n```\n)(.*?)```\n")

// What a page shows as printed is printed.
func TestDocsShowRealOutput(t *testing.T) {
	for page, blocks := range map[string]int{
		operatingDoc: 5, "../docs/rotation.md": 1, signaturesDoc: 3,
	} {
		t.Run(filepath.Base(page), func(t *testing.T) { showsRealOutput(t, page, blocks) })
	}
}

// showsRealOutput wants the blocks of a page to be those of the golden files, and at least so many.
func showsRealOutput(t *testing.T, file string, least int) {
	t.Helper()
	page, err := os.ReadFile(file)
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
		t.Errorf("%d blocks, want at least %d", blocks, least)
	}
	if *update {
		if err := os.WriteFile(file, []byte(written), 0o644); err != nil {
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
