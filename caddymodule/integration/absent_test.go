package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A handler whose program is not there keeps a reload from being taken, but not Caddy
// from starting: receiving must go on.
func TestMissingProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "handlers.hcl")
	write := func(name string) edgeConfig {
		t.Helper()
		text := "handler \"" + name + "\" {\n  plugin = \"./not-there\"\n}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return edgeConfig{App: "handlers " + file}
	}
	e := startEdge(t, write("first"))
	good(state("at the start", "")).send(t, e)
	err := e.load(t, write("second"))
	if err == nil || !strings.Contains(err.Error(), `handler "second"`) || !strings.Contains(err.Error(), "not-there") {
		t.Errorf("the reload gave %v", err)
	}
	good(state("after the reload", "")).send(t, e)
}
