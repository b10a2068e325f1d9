package caddymodule_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/caddy-smartcar/caddy-smartcar/"

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

// Only the adapter and the buffers' module files know Caddy.
func TestOnlyTheAdapterImportsCaddy(t *testing.T) {
	allowed := []string{"caddymodule", "caddymodule/buffer/*", "caddymodule/cmd/...", "caddymodule/integration/..."}
	for _, p := range listPackages(t) {
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "github.com/caddyserver/caddy") && !matches(allowed, p.ImportPath) {
				t.Errorf("%s imports %s", p.ImportPath, i)
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
	may := map[string][]string{
		"sdk/...":                           {"sdk/..."},
		"plugins/...":                       {"sdk/..."},
		"examples/...":                      {"sdk/..."},
		"caddymodule/buffer":                {},
		"caddymodule/buffer/*":              {"caddymodule/buffer", "caddymodule/buffer/..."},
		"caddymodule/internal/route":        {"caddymodule/buffer", "caddymodule/internal/route/nearest", "sdk/..."},
		"caddymodule/internal/handlersfile": {"caddymodule/internal/route/...", "sdk"},
		"caddymodule/internal/freshness":    {"sdk/smartcar", "sdk/internal/..."},
		"caddymodule/internal/dispatch":     {"caddymodule/buffer", "caddymodule/internal/freshness"},
		"caddymodule/internal/replay":       {"caddymodule/buffer", "caddymodule/internal/dispatch"},
		"caddymodule/internal/pluginhost":   {"caddymodule/buffer", "caddymodule/internal/dispatch", "sdk/..."},
		"caddymodule/internal/simulator":    {"sdk/smartcar"},
		"caddymodule/internal/devcert":      {},
		"caddymodule/internal/engine": {
			"caddymodule/buffer", "caddymodule/internal/dispatch", "caddymodule/internal/pluginhost",
			"caddymodule/internal/handlersfile", "caddymodule/internal/route", "caddymodule/internal/replay",
			"caddymodule/internal/freshness", "sdk/...",
		},
	}
	for _, p := range listPackages(t) {
		for room, allowed := range may {
			if !matches([]string{room}, p.ImportPath) {
				continue
			}
			for _, i := range p.Imports {
				i, ours := strings.CutPrefix(i, module)
				if ours && i != p.ImportPath && !matches(allowed, i) {
					t.Errorf("%s imports %s; it may import %v", p.ImportPath, i, allowed)
				}
			}
		}
	}
}
