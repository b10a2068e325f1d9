package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// loadElsewhere loads a config whose buffer lies in another directory.
func (e *edge) loadElsewhere(t *testing.T, config edgeConfig) error {
	t.Helper()
	var text bytes.Buffer
	if err := edgeCaddyfile.Execute(&text, map[string]any{"Dir": filepath.ToSlash(e.dir), "Config": config}); err != nil {
		t.Fatal(err)
	}
	moved := strings.Replace(text.String(), `/buffer"`, `/elsewhere"`, 1)
	return caddy.Load(adapt(t, []byte(moved)), true)
}

// A reload that moves the buffer would leave behind what waits there, in silence.
func TestReloadThatMovesTheBuffer(t *testing.T) {
	program, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "handlers.hcl")
	handlers := "handler \"crm\" {\n  plugin = " + strconv.Quote(program) + "\n}\n"
	if err := os.WriteFile(file, []byte(handlers), 0o600); err != nil {
		t.Fatal(err)
	}
	config := edgeConfig{App: "handlers " + file}
	e := startEdge(t, config)
	if err := e.loadElsewhere(t, config); err != nil {
		t.Fatalf("with nothing waiting: %v", err)
	}
	if err := e.load(t, config); err != nil {
		t.Fatalf("and back: %v", err)
	}
	good(state("waits", "")).send(t, e)
	err = e.loadElsewhere(t, config)
	if err == nil || !strings.Contains(err.Error(), "1 event for crm") {
		t.Fatalf("with an event waiting: %v", err)
	}
	duplicate(state("waits", "")).send(t, e)
	good(state("later", "")).send(t, e)
}
