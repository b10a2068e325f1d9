package diagnosis

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/bundle"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/recentlog"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// source is a process with all parts, in which each secret has "s3cr3t" in it.
func source(t *testing.T) *Source {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "buffer", "quarantine"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "buffer", "quarantine", "s3cr3t.json"), []byte("s3cr3t"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "buffer", "LOCK"), []byte("s3cr3t"), 0o600))
	handlers := filepath.Join(dir, "a handlers file.hcl")
	must(t, os.WriteFile(handlers, []byte("handler \"crm\" {\n  env = { A = \"s3cr3t\" }\n}\n"), 0o600))
	recent := recentlog.New()
	slog.New(recent.Handler(slog.DiscardHandler, "smartcar")).Warn("handler is down", "error", "s3cr3t", "handler", "crm")
	return &Source{
		Modules: []string{"smartcar"},
		Status: func(context.Context) api.Status {
			return api.Status{Handlers: []api.Handler{{Name: "crm", LastError: "s3cr3t"}}}
		},
		Ready: func() string { return "opening" }, Live: func() string { return "" }, Recent: recent, Dir: filepath.Join(dir, "buffer"),
		HandlersFiles: func() ([]string, error) { return []string{handlers, filepath.Join(dir, "gone.hcl")}, nil },
	}
}

func TestParts(t *testing.T) {
	files, missing := bundle.Collect(t.Context(), time.Minute, source(t).Parts())
	var names []string
	text := map[string]string{}
	for _, f := range files {
		names = append(names, f.Name)
		text[f.Name] = f.Text
		if strings.Contains(f.Text, "s3cr3t") {
			t.Errorf("%s holds a secret:\n%s", f.Name, f.Text)
		}
		if strings.HasSuffix(f.Name, ".json") && !json.Valid([]byte(f.Text)) {
			t.Errorf("%s is not JSON", f.Name)
		}
	}
	want := []string{BuildFile, MachineFile, HealthFile, StatusFile, LogFile, "handlers/1-a_handlers_file.hcl", DiskFile, FilesFile}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if len(missing) != 1 || missing[0].Part != HandlersFolder || !strings.Contains(missing[0].Why, "gone.hcl") {
		t.Errorf("missing: %v", missing)
	}
	for name, part := range map[string]string{
		BuildFile: "Modules of Caddy:\n  smartcar\n", HealthFile: `"why": "opening"`, StatusFile: `"last_error": "(left out)"`,
		LogFile: `"msg":"handler is down"`, "handlers/1-a_handlers_file.hcl": `env = { A = "***" }`, DiskFile: `"mode": "0700"`,
		FilesFile: "(1 files in it, 6 bytes", MachineFile: `"goroutines":`,
	} {
		if !strings.Contains(text[name], part) {
			t.Errorf("%s is not in %s:\n%s", part, name, text[name])
		}
	}
}

// What there is not is no part: nothing of it is missing.
func TestPartsOfLittle(t *testing.T) {
	files, missing := bundle.Collect(t.Context(), time.Minute, new(Source).Parts())
	if len(files) != 2 || len(missing) != 0 {
		t.Errorf("%v, %v", files, missing)
	}
	s := &Source{Dir: filepath.Join(t.TempDir(), "gone"), HandlersFiles: func() ([]string, error) { return nil, errors.New("no such placeholder") }}
	if _, missing := bundle.Collect(t.Context(), time.Minute, s.Parts()); len(missing) != 3 {
		t.Errorf("missing: %v", missing)
	}
}

func TestLogSaysWhatIsGone(t *testing.T) {
	s := source(t)
	log := slog.New(s.Recent.Handler(slog.DiscardHandler, "smartcar"))
	for n := range 2000 {
		log.Warn("w", "n", n)
	}
	if _, err := s.log(t.Context()); err == nil || !strings.Contains(err.Error(), "older lines") {
		t.Errorf("got %v", err)
	}
}

func TestBuildText(t *testing.T) {
	got := buildText(&debug.BuildInfo{
		GoVersion: "go1.26.0",
		Main:      debug.Module{Path: "caddy", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "github.com/caddyserver/caddy/v2", Version: "v2.11.9"},
			{Path: "example.com/plugin", Version: "v1.0.0", Replace: &debug.Module{Path: "/home/alice/plugin"}},
			{Path: "example.com/other", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v2.0.0"}},
		},
		Settings: []debug.BuildSetting{{Key: "-ldflags", Value: "-X main.key=s3cr3t"}, {Key: "GOOS", Value: "linux"}},
	}, []string{"http.handlers.smartcar_webhook"})
	for _, want := range []string{"Caddy v2.11.9\n", "example.com/plugin v1.0.0 => a folder\n", "=> example.com/fork v2.0.0\n", "-ldflags (left out)\n", "GOOS=linux\n",
		"  http.handlers.smartcar_webhook\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "s3cr3t") || strings.Contains(got, "alice") {
		t.Error(got)
	}
}
