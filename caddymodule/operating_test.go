package caddymodule

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const operatingDoc = "docs/operating.md"

// shown is a block of the page that shows what a golden file holds.
var shown = regexp.MustCompile("(?s)(<!-- ([a-z-]+)\\.golden -->\n```\n)(.*?)```\n")

// What the page shows as printed is printed.
func TestOperatingDocShowsRealOutput(t *testing.T) {
	page, err := os.ReadFile(operatingDoc)
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	written := shown.ReplaceAllStringFunc(string(page), func(block string) string {
		blocks++
		m := shown.FindStringSubmatch(block)
		golden, err := os.ReadFile(filepath.Join("testdata", "command", m[2]+".golden"))
		if err != nil {
			t.Error(err)
			return block
		}
		if m[3] != string(golden) && !*update {
			t.Errorf("the page shows something else than %s.golden; run the test with -update", m[2])
		}
		return m[1] + string(golden) + "```\n"
	})
	if blocks < 5 {
		t.Errorf("%d blocks, want at least 5", blocks)
	}
	if *update {
		if err := os.WriteFile(operatingDoc, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Each address, field, parameter and command is on the page.
func TestOperatingDocIsWhole(t *testing.T) {
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
	for _, route := range adminRoutes() {
		for method, m := range route.methods {
			if method == http.MethodHead {
				continue
			}
			want("address", "`"+method+" "+route.pattern+"`")
			for _, p := range m.params {
				want("parameter", "`"+p+"`")
			}
		}
	}
	for _, view := range []any{
		statusView{}, eventPageView{}, wholeEvent{}, letterPageView{}, wholeLetter{}, countView{}, eventCountView{},
		page[replayView]{}, letterReplayView{}, eventReplayOrder{}, letterReplayOrder{}, forgottenView{},
	} {
		for _, name := range allFields(reflect.TypeOf(view), map[reflect.Type]bool{}) {
			want("field", "`"+name+"`")
		}
	}
	root := &cobra.Command{Use: "smartcar"}
	root.AddCommand(statusCommand(), eventsCommand(), showCommand(), lettersCommand(), replayCommand(),
		pauseCommand(), drainCommand(), resumeCommand(), forgetCommand())
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			want("command", "caddy "+sub.CommandPath())
			walk(sub)
		}
	}
	walk(root)
}

// allFields are the JSON names of a type and of all that is in it.
func allFields(t reflect.Type, seen map[reflect.Type]bool) []string {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return allFields(t.Elem(), seen)
	case reflect.Struct:
	default:
		return nil
	}
	if seen[t] || t.PkgPath() == "time" {
		return nil
	}
	seen[t] = true
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" {
			names = append(names, name)
		}
		names = append(names, allFields(f.Type, seen)...)
	}
	return names
}
