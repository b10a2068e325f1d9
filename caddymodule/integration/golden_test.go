package integration

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// separator stands between a Caddyfile and what is expected of it, as in Caddy's own tests.
const separator = "\n----------\n"

// goldens runs a test for each file. compile returns what the Caddyfile comes to.
func goldens(t *testing.T, pattern string, compile func(t *testing.T, caddyfile []byte) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".caddyfiletest")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			caddyfile, want, found := strings.Cut(string(text), separator)
			if !found && !*update {
				t.Fatal("no separator; run the test with -update")
			}
			got := compile(t, []byte(caddyfile+"\n"))
			if *update {
				if err := os.WriteFile(file, []byte(strings.TrimRight(caddyfile, "\n")+separator+got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the Caddyfiles in testdata/adapt become, and that it loads.
func TestAdapt(t *testing.T) {
	t.Setenv("SMARTCAR_TOKEN", newToken)
	t.Setenv("SMARTCAR_OLD_TOKEN", oldToken)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	goldens(t, "testdata/adapt/*.caddyfiletest", func(t *testing.T, caddyfile []byte) string {
		config := adapt(t, caddyfile)
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, config, "", "\t"); err != nil {
			t.Fatal(err)
		}
		if err := validate(config); err != nil {
			t.Errorf("adapts, but does not load: %v", err)
		}
		return pretty.String()
	})
}

// What is said about the wrong Caddyfiles in testdata/errors, when they are adapted or
// when they are loaded.
func TestErrors(t *testing.T) {
	t.Setenv("SMARTCAR_TOKEN", newToken)
	t.Setenv("SMARTCAR_SAME_TOKEN", newToken)
	t.Setenv("SMARTCAR_EMPTY_TOKEN", "")
	t.Setenv("SMARTCAR_SHORT_TOKEN", "fifteen-letters")
	t.Setenv("SMARTCAR_BLANK_TOKEN", newToken+" ")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	goldens(t, "testdata/errors/*.caddyfiletest", func(t *testing.T, caddyfile []byte) string {
		config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(caddyfile, map[string]any{"filename": "Caddyfile"})
		step := "adapt"
		if err == nil {
			step, err = "load", validate(config)
		}
		if err == nil {
			t.Fatal("accepted")
		}
		if strings.Contains(err.Error(), newToken) || strings.Contains(err.Error(), "fifteen-letters") {
			t.Errorf("error shows a token: %v", err)
		}
		// Apps are loaded in any order, so the way to the module is not always the same.
		said := err.Error()
		if i := strings.LastIndex(said, "provision smartcar"); i >= 0 {
			said = said[i:]
		} else if i := strings.LastIndex(said, "provision http.handlers."); i >= 0 {
			said = said[i:]
		}
		return step + ": " + strings.ReplaceAll(said, here+string(filepath.Separator), "")
	})
}

// validate does what `caddy validate` does: provision, but not start.
func validate(config []byte) error {
	parsed := new(caddy.Config)
	if err := caddy.StrictUnmarshalJSON(config, parsed); err != nil {
		return err
	}
	if parsed.Admin == nil {
		parsed.Admin = new(caddy.AdminConfig)
	}
	// A running admin endpoint would be taken over, and none is wanted here.
	parsed.Admin.Disabled = true
	return caddy.Validate(parsed)
}
