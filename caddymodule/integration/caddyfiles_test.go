package integration

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
)

// repository is the folder of the whole project, seen from this one.
const repository = "../.."

// files returns the project's files whose names match.
func files(t *testing.T, pattern string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if ok, _ := filepath.Match(pattern, d.Name()); ok && d.Type().IsRegular() {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Every Caddyfile of the project is formatted, adapts and loads. Those in examples/ name
// programs that have to be built first, so they are loaded without their handlers.
func TestCaddyfiles(t *testing.T) {
	list := files(t, "Caddyfile")
	if len(list) == 0 {
		t.Fatal("no Caddyfile found")
	}
	for _, file := range list {
		t.Run(strings.TrimPrefix(filepath.ToSlash(file), repository+"/"), func(t *testing.T) {
			t.Setenv("SMARTCAR_TOKEN", newToken)
			t.Setenv("SMARTCAR_DOMAIN", "hooks.example.com")
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(text, caddyfile.Format(text)) {
				t.Error("not formatted: run caddy fmt --overwrite")
			}
			t.Chdir(filepath.Dir(file))
			config := adapt(t, text)
			if !keepsTrust(t, config) {
				t.Error("Caddy would put a CA of its own into the system's trust: add skip_install_trust")
			}
			mustEnd(t, text, config)
			if strings.Contains(file, "examples") {
				config = regexp.MustCompile(`"handlers":\[[^]]*\],?`).ReplaceAll(config, nil)
				config = bytes.ReplaceAll(config, []byte(`,}`), []byte(`}`))
			}
			if err := validate(config); err != nil {
				t.Error(err)
			}
		})
	}
}

// keepsTrust reports whether a config says that Caddy's own CA stays out of the system's trust.
func keepsTrust(t *testing.T, config []byte) bool {
	t.Helper()
	var c struct {
		Apps struct {
			PKI struct {
				Authorities map[string]struct {
					Install *bool `json:"install_trust"`
				} `json:"certificate_authorities"`
			} `json:"pki"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	local, ok := c.Apps.PKI.Authorities["local"]
	return ok && local.Install != nil && !*local.Install
}

// mustEnd refuses a site with a receiver that answers a wrong path with 200: people copy what they
// are shown.
func mustEnd(t *testing.T, text, config []byte) {
	t.Helper()
	var c struct {
		Apps struct {
			HTTP struct {
				Servers map[string]*sitecheck.Server `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	for _, server := range c.Apps.HTTP.Servers {
		for _, f := range append(server.Fallbacks(), server.ErrorPages()...) {
			t.Errorf("site %s: %s", f.Site, f.Text)
		}
	}
	if bytes.Contains(text, []byte("smartcar_webhook")) && !bytes.Contains(text, []byte("\trespond 404\n}")) {
		t.Errorf("the site does not end in respond 404:\n%s", text)
	}
}

var caddyfileBlock = regexp.MustCompile("(?ms)^```caddyfile\n(.*?)^```$")

// Every Caddyfile in the documentation adapts.
func TestCaddyfilesInDocs(t *testing.T) {
	blocks := 0
	for _, file := range files(t, "*.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range caddyfileBlock.FindAllSubmatch(text, -1) {
			blocks++
			t.Run(filepath.Base(file), func(t *testing.T) {
				mustEnd(t, block[1], adapt(t, block[1]))
			})
		}
	}
	if blocks < 3 {
		t.Errorf("only %d blocks found", blocks)
	}
}
