package bundled_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// readmeExample is a whole handler in a page.
var readmeExample = regexp.MustCompile("(?s)\n```hcl\n(handler .*?)```")

// The examples of each plugin's README load without a remark, its tables name each setting with its default, and the
// page about all plugins names it.
func TestReadmes(t *testing.T) {
	t.Setenv("APP_TOKEN", "a-token")
	t.Setenv("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/x")
	folder, err := filepath.Abs("../../plugins")
	if err != nil {
		t.Fatal(err)
	}
	overview := readPage(t, filepath.Join(folder, "README.md"))
	for _, name := range bundled.Names() {
		t.Run(name, func(t *testing.T) {
			page := readPage(t, filepath.Join(folder, name, "README.md"))
			examples := readmeExample.FindAllStringSubmatch(page, -1)
			if len(examples) == 0 {
				t.Error("there is no example")
			}
			for _, example := range examples {
				if got := load(t, example[1]); got != "" {
					t.Errorf("%s\nis told %s", example[1], got)
				}
			}
			schema, _ := bundled.Schema(name)
			checkRows(t, page, "", schema)
			if link := "[`" + name + "`](" + name + "/README.md)"; !strings.Contains(overview, link) {
				t.Errorf("plugins/README.md lacks %s", link)
			}
		})
	}
}

func readPage(t *testing.T, file string) string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// checkRows looks for a row of each attribute of the config. Those of a block may have a table of their own, the name of
// the block before theirs, or stand in the block's row.
func checkRows(t *testing.T, page, block string, schema sdk.Schema) {
	t.Helper()
	for _, a := range schema.Attributes {
		if !strings.Contains(page, "`"+a.Name+"`") && !strings.Contains(page, "`"+block+a.Name+"`") {
			t.Errorf("the README does not name %s%s", block, a.Name)
		}
		row := regexp.MustCompile("(?m)^\\| `(?:" + block + ")?" + a.Name + "` \\|(?: [a-z, ]+ \\|)? `([^`]*)` \\|").FindStringSubmatch(page)
		want := string(a.Default)
		if block == "" && want != "" && want != "null" && (row == nil || row[1] != want) {
			t.Errorf("%s: the README has the row %q, the default is %s", a.Name, row, want)
		}
	}
	for _, b := range schema.Blocks {
		if !strings.Contains(page, "| `"+b.Name+"` |") {
			t.Errorf("the README has no row for the block %s", b.Name)
		}
		checkRows(t, page, b.Name+".", b.Schema)
	}
}
