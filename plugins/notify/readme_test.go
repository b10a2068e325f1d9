package notify

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func readme(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// The README's table of the config has every name, with its default.
func TestReadmeHasTheConfig(t *testing.T) {
	page, schema := readme(t), Plugin().Schema()
	has := func(prefix string, a sdk.Attribute) {
		row := "| `" + prefix + a.Name + "` |"
		if a.Name == "title" || a.Name == "text" {
			row = "| `title`, `text` |"
		}
		_, rest, ok := strings.Cut(page, row)
		line, _, _ := strings.Cut(rest, "\n")
		if !ok || a.Default != nil && !strings.Contains(line, "`"+string(a.Default)+"`") {
			t.Errorf("the README lacks %s with its default %s", row, a.Default)
		}
	}
	for _, a := range schema.Attributes {
		has("", a)
	}
	for _, b := range schema.Blocks {
		_, rest, ok := strings.Cut(page, "| `"+b.Name+"` | block")
		line, _, _ := strings.Cut(rest, "\n")
		if !ok {
			t.Errorf("the README lacks the block %s", b.Name)
		}
		for _, a := range b.Schema.Attributes {
			if b.Name == "rate" {
				has("rate.", a)
			} else if !strings.Contains(line, "`"+a.Name+"`") && !strings.Contains(line, a.Name+" = ") {
				t.Errorf("the README lacks %s of %s", a.Name, b.Name)
			}
		}
	}
}

// The README's table of fields has all that there are, and no other.
func TestReadmeHasTheFields(t *testing.T) {
	_, table, _ := strings.Cut(readme(t), "| field | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var named []string
	for row := range strings.Lines(table) {
		cell := strings.Split(row, "|")[1]
		for _, m := range regexp.MustCompile("`\\.([A-Za-z]+)`").FindAllStringSubmatch(cell, -1) {
			named = append(named, m[1])
		}
	}
	want := slices.Clone(fieldNames)
	slices.Sort(named)
	slices.Sort(want)
	if !slices.Equal(named, want) {
		t.Errorf("%q\nwant %q", named, want)
	}
}
