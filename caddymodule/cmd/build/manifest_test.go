package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

const root = "../../.."

func TestManifestAgreesWithGoMod(t *testing.T) {
	m, err := readManifest(filepath.Join(root, "xcaddy.json"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}

	var caddyVersion string
	for _, r := range mod.Require {
		if r.Mod.Path == "github.com/caddyserver/caddy/v2" {
			caddyVersion = r.Mod.Version
		}
	}
	want := manifest{
		CaddyVersion: caddyVersion,
		Plugins:      []dependency{{ModulePath: mod.Module.Mod.Path, Version: "v0.0.0"}},
		Replacements: []replacement{{Old: mod.Module.Mod.Path + "@v0.0.0", New: "."}},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("xcaddy.json and go.mod disagree (-go.mod +xcaddy.json):\n%s", diff)
	}
}

// The committed main.go must import what xcaddy's own would: the standard
// modules, then each plugin of the manifest, and nothing else.
func TestMainImportsWhatXcaddyWould(t *testing.T) {
	m, err := readManifest(filepath.Join(root, "xcaddy.json"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../caddy/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, match := range regexp.MustCompile(`(?m)^\t_ "([^"]+)"`).FindAllStringSubmatch(string(data), -1) {
		got = append(got, match[1])
	}
	want := []string{"github.com/caddyserver/caddy/v2/modules/standard"}
	for _, p := range m.Plugins {
		want = append(want, p.ModulePath)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("imports of cmd/caddy/main.go (-want +got):\n%s", diff)
	}
}

func TestXcaddyArgs(t *testing.T) {
	tests := map[string]struct {
		plugins      []dependency
		replacements []replacement
		want         string
	}{
		"published": {
			[]dependency{{ModulePath: "example.com/a", Version: "v1.2.3"}, {ModulePath: "example.com/b"}}, nil,
			"build v2 --with example.com/a@v1.2.3 --with example.com/b --output out",
		},
		"from a checkout": {
			[]dependency{{ModulePath: "example.com/a", Version: "v0.0.0"}}, []replacement{{"example.com/a@v0.0.0", "."}},
			"build v2 --with example.com/a@v0.0.0=. --output out",
		},
		"another version is replaced": {
			[]dependency{{ModulePath: "example.com/a", Version: "v1.0.0"}}, []replacement{{"example.com/a@v0.0.0", "."}},
			"build v2 --with example.com/a@v1.0.0 --replace example.com/a@v0.0.0=. --output out",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := manifest{CaddyVersion: "v2", Plugins: tt.plugins, Replacements: tt.replacements}
			if diff := cmp.Diff(tt.want, strings.Join(m.xcaddyArgs("out"), " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The README shows the command of the manifest, and the one for published versions.
func TestReadmeShowsTheXcaddyCommands(t *testing.T) {
	m, err := readManifest(filepath.Join(root, "xcaddy.json"))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(strings.ReplaceAll(string(readme), "\\\n", " ")), " ")
	// Without --output xcaddy writes ./caddy.
	args := m.xcaddyArgs("caddy")
	wanted := []string{
		"xcaddy " + strings.Join(args[:len(args)-2], " "),
		"xcaddy build --with " + m.Plugins[0].ModulePath + " ",
	}
	for _, want := range wanted {
		if !strings.Contains(flat, want) {
			t.Errorf("README.md does not show the command\n%s", want)
		}
	}
}

// Runs the documented build for real where xcaddy is installed.
func TestXcaddyBuild(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	if _, err := exec.LookPath("xcaddy"); err != nil {
		proof.Missing(t, "xcaddy", err)
	}
	output := filepath.Join(t.TempDir(), "caddy")
	cmd := exec.Command("go", "run", "./caddymodule/cmd/build", "-output", output)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(output, "list-modules").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "http.handlers.smartcar_webhook") {
		t.Fatalf("the built Caddy lacks the receiver: %v\n%s", err, out)
	}
}

func TestReadManifestRefuses(t *testing.T) {
	tests := map[string]struct{ content, want string }{
		"unknown field": {`{"caddy_version":"v2","plugins":[{"module_path":"x"}],"nope":1}`, "nope"},
		"no version":    {`{"plugins":[{"module_path":"x"}]}`, "no caddy_version"},
		"no plugins":    {`{"caddy_version":"v2"}`, "no plugins"},
		"not json":      {`caddy`, "decoding"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "xcaddy.json")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := readManifest(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
