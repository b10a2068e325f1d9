package caddymodule_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/caddy-smartcar/caddy-smartcar/"
	// root is the package at the root of the module, which xcaddy imports.
	root = "github.com/caddy-smartcar/caddy-smartcar"
)

// listed is what `go list -deps -json` says of one package of this module.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		packages = append(packages, p)
	}
}

func matches(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, pkg); ok {
			return true
		}
		if prefix, isTree := strings.CutSuffix(p, "/..."); isTree && (pkg == prefix || strings.HasPrefix(pkg, prefix+"/")) {
			return true
		}
	}
	return false
}

// What Caddy sees and what talks to Caddy may import it, nothing else.
func TestOnlyTheModulesImportCaddy(t *testing.T) {
	allowed := []string{
		"caddymodule/app", "caddymodule/receiver", "caddymodule/health", "caddymodule/handover", "caddymodule/admin", "caddymodule/command/...",
		"caddymodule/internal/api", "caddymodule/internal/directive/...", "caddymodule/buffer/*/module",
		"caddymodule/cmd/...", "caddymodule/integration/...",
	}
	for _, p := range listPackages(t) {
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "github.com/caddyserver/caddy") && !matches(allowed, p.ImportPath) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// The core links no Caddy, its tests included: it can be read, tested and used without.
func TestTheCoreLinksNoCaddy(t *testing.T) {
	for _, pkg := range []string{"buffer/disk", "buffer/disk/internal/...", "buffer/buffertest", "internal/dispatch", "internal/engine", "internal/vehicles", "internal/schema", "internal/forms", "internal/quarantine"} {
		cmd := exec.Command("go", "list", "-deps", "-test", "./"+pkg)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list %s: %v", pkg, err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			if strings.HasPrefix(dep, "github.com/caddyserver/caddy") {
				t.Errorf("%s or its tests link %s", pkg, dep)
			}
		}
	}
}

// Who measures knows nothing of Prometheus.
func TestOnlyMetricsKnowsPrometheus(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "github.com/prometheus/") && p.ImportPath != "caddymodule/internal/metrics" {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// What a handler author links must stay small: no Caddy, no HCL, no Pebble.
func TestTheSDKStaysSmall(t *testing.T) {
	heavy := []string{"github.com/caddyserver/", "github.com/hashicorp/hcl", "github.com/zclconf/", "github.com/cockroachdb/"}
	for _, p := range listPackages(t) {
		if !matches([]string{"sdk/...", "plugins/..."}, p.ImportPath) {
			continue
		}
		for _, dep := range p.Deps {
			for _, h := range heavy {
				if strings.HasPrefix(dep, h) {
					t.Errorf("%s depends on %s", p.ImportPath, dep)
				}
			}
		}
	}
	for _, p := range listPackages(t) {
		if p.ImportPath != "sdk/smartcar" {
			continue
		}
		for _, dep := range p.Deps {
			if strings.Contains(strings.SplitN(dep, "/", 2)[0], ".") {
				t.Errorf("sdk/smartcar is standard library only, but depends on %s", dep)
			}
		}
	}
}

// Each room may import only the rooms named here: the way of an event has one
// direction.
func TestImportsRunOneWay(t *testing.T) {
	const (
		core = "caddymodule/internal/"
		disk = "caddymodule/buffer/disk/"
	)
	words := []string{core + "text", core + "api", core + "directive", core + "traffic"}
	may := map[string][]string{
		root:           {"caddymodule"},
		"sdk/...":      {"sdk/..."},
		"plugins/...":  {"sdk/...", "plugins/notify/send", "plugins/internal/..."},
		"examples/...": {"sdk/..."},

		"caddymodule":              {"caddymodule/app", "caddymodule/receiver", "caddymodule/health", "caddymodule/handover", "caddymodule/admin", "caddymodule/command", "caddymodule/buffer/..."},
		"caddymodule/handover":     {},
		"caddymodule/health":       {"caddymodule/app", core + "api", core + "directive", core + "text"},
		"caddymodule/receiver":     slices.Concat(words, []string{"caddymodule/app", "caddymodule/buffer", core + "engine", core + "intake", core + "arrivals", core + "metrics", core + "quarantine", core + "selfcheck", core + "stage", core + "traces", "sdk/smartcar"}),
		"caddymodule/admin":        slices.Concat(words, []string{"caddymodule/app", "caddymodule/buffer", core + "status", core + "engine", core + "dispatch", core + "replay", core + "buildinfo", core + "vehicles", core + "explain", core + "quarantine", core + "support/diagnosis", core + "support/bundle"}),
		"caddymodule/command":      slices.Concat(words, []string{"caddymodule/app", "caddymodule/command/demo", "caddymodule/command/dev", "caddymodule/bundled", core + "replay", core + "simulator", core + "buildinfo", core + "explain", core + "support/bundle", core + "masking", core + "support/diagnosis", "plugins/postgres", "sdk", "sdk/smartcar"}),
		"caddymodule/command/demo": {"caddymodule/command/localedge", "sdk/smartcar"},
		"caddymodule/command/dev": {
			"caddymodule/command/localedge", core + "fleet", core + "simulator", core + "stage", core + "text", "sdk/smartcar",
		},
		"caddymodule/command/localedge": {core + "devcert"},
		"caddymodule/app": slices.Concat(words, []string{
			"caddymodule/bundled", "caddymodule/buffer", core + "status", core + "engine", core + "handlersfile", core + "drift", core + "intake", core + "arrivals", core + "sitecheck",
			core + "selfcheck", core + "lossclock", core + "metrics", core + "stage", core + "traceexport", core + "buildinfo", core + "vehicles", core + "schema", core + "alert", core + "keyring", core + "quarantine", core + "support/recentlog",
			"plugins/notify/send", "sdk/smartcar",
		}),
		"caddymodule/bundled": {"plugins/...", "sdk"},
		core + "alert":        {core + "api", core + "text", "plugins/notify/send"},

		core + "status":            {core + "api", core + "drift", core + "masking", core + "text", core + "traffic", core + "engine", core + "dispatch", core + "pluginhost", core + "replay", core + "selfcheck", core + "lossclock", core + "vehicles", core + "schema", core + "quarantine", "caddymodule/buffer"},
		core + "traffic":           {core + "api", core + "lossclock"},
		core + "lossclock":         {},
		core + "metrics":           {core + "api", core + "dispatch", "caddymodule/buffer"},
		core + "drift":             {},
		core + "vehicles":          {"caddymodule/buffer", core + "text", "sdk/smartcar"},
		core + "schema":            {"caddymodule/buffer", "sdk/smartcar"},
		core + "arrivals":          {},
		core + "keyring":           {"sdk/smartcar"},
		core + "support/recentlog": {core + "masking", core + "text"},
		core + "masking":           {},
		core + "support/machine":   {},
		core + "support/bundle":    {core + "api"},
		core + "support/diagnosis": {core + "api", core + "support/bundle", core + "buildinfo", core + "handlersfile", core + "support/machine", core + "support/recentlog", core + "status"},
		core + "intake":            {"caddymodule/buffer", "sdk/smartcar"},
		core + "api":               {},
		core + "directive":         {},
		core + "sitecheck":         {},
		core + "selfcheck":         {core + "api"},
		core + "text":              {},
		core + "report":            {},
		core + "buildinfo":         {},
		core + "devcert":           {},
		core + "simulator":         {"sdk/smartcar"},
		core + "fleet":             {core + "simulator", "sdk/smartcar"},
		core + "engine": {
			"caddymodule/buffer", core + "dispatch", core + "pluginhost", core + "handlersfile", core + "route", core + "replay",
			core + "freshness", core + "stage", core + "text", core + "traces", "sdk/...",
		},
		core + "handlersfile": {core + "masking", core + "route", core + "text", "sdk", "sdk/smartcar"},
		core + "route":        {"caddymodule/buffer", core + "text", "sdk/..."},
		core + "replay":       {"caddymodule/buffer", core + "dispatch", core + "text"},
		core + "pluginhost":   {"caddymodule/buffer", core + "dispatch", core + "text", "sdk/..."},
		core + "dispatch":     {"caddymodule/buffer", core + "freshness", core + "stage", core + "text"},
		core + "stage":        {core + "text"},
		core + "freshness":    {"sdk/smartcar"},
		core + "forms":        {},
		core + "explain":      {core + "api", core + "forms", core + "keyring", core + "text", "sdk/smartcar"},

		core + "traces":      {"caddymodule/buffer", core + "text"},
		core + "traceexport": {core + "traces"},

		core + "quarantine": {"caddymodule/buffer", core + "intake", "sdk/smartcar"},

		"caddymodule/buffer":            {},
		"caddymodule/buffer/buffertest": {"caddymodule/buffer"},
		"caddymodule/buffer/disk":       {"caddymodule/buffer", disk + "internal/...", core + "text", core + "buildinfo"},
		disk + "internal/eventlog":      {},
		disk + "internal/format":        {"caddymodule/buffer"},
		disk + "internal/failstop":      {"caddymodule/buffer", disk + "internal/eventlog", disk + "internal/format", core + "text"},
		disk + "internal/damaged":       {"caddymodule/buffer"},
		disk + "internal/store":         {},
		disk + "internal/dedupe":        {disk + "internal/format", disk + "internal/store"},
		disk + "internal/probe":         {},
		"caddymodule/buffer/*/module":   {"caddymodule/buffer", "caddymodule/buffer/...", core + "directive"},
	}
	for _, p := range listPackages(t) {
		for room, allowed := range may {
			if !matches([]string{room}, p.ImportPath) {
				continue
			}
			for _, i := range p.Imports {
				i, ours := strings.CutPrefix(i, module)
				if (ours || i == root) && i != p.ImportPath && !matches(allowed, i) {
					t.Errorf("%s imports %s; it may import %v", p.ImportPath, i, allowed)
				}
			}
		}
	}
}
