package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// runValidate runs `caddy smartcar validate` in a folder, and returns what it printed and its exit code.
func runValidate(t *testing.T, dir string, args ...string) (out string, code int) {
	t.Helper()
	cmd, tmp := command(t, append([]string{"validate"}, args...)...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	mustBeEmpty(t, tmp)
	return string(text), code
}

// What a reload would be refused for is found by the command, with its place, and nothing is left behind.
func TestValidateCommand(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	bundled := func(plugin, config string) string {
		return "handler \"h\" {\n  plugin = \"" + plugin + "\"\n  config {\n    " + config + "\n  }\n}\n"
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stdio := func(program string) string {
		return fmt.Sprintf("command = [%q, \"program\", %q, %q]", self, program, filepath.Join(t.TempDir(), "events"))
	}
	takes := map[string]string{"path": "x", "gate": "x", "seen": "x"}
	expired := filepath.Join(t.TempDir(), "expired.pem")
	if err := os.WriteFile(expired, expiredPair(t), 0o600); err != nil {
		t.Fatal(err)
	}
	good := bundled("jsonl", `path = "/tmp/events.jsonl"`)
	tests := map[string]struct {
		app, site, handlers string
		plugins             bool
		code                int
		want                []string
	}{
		"all is well": {handlers: good, want: []string{
			"ok    reading Caddyfile", "ok    the config, as Caddy loads it", "ok    the buffer in ",
			"ok    a folder for the plugins' sockets", `ok    handler "h" (`, "handlers.hcl:1): the plugin jsonl", "A reload would take this config.",
		}},
		"a value of a bundled plugin": {handlers: bundled("http", `url = "localhost:3000/x"`), code: 1, want: []string{
			"FAIL  the handlers files", "handlers.hcl:4,11-29: Not an http or https URL", "refused: 1 mistake",
		}},
		"no folder for jsonl": {handlers: bundled("jsonl", `path = "/nowhere/x.jsonl"`), code: 1, want: []string{
			`FAIL  handler "h"`, "handlers.hcl:4,12-30: The file cannot be opened; there is no folder /nowhere",
		}},
		"no program for stdio": {handlers: bundled("stdio", `command = ["/nowhere/handler"]`), code: 1, want: []string{
			`FAIL  handler "h"`, "handlers.hcl:4,", "Program not found; there is no file /nowhere/handler", "refused: 1 mistake",
		}},
		"no command for exec": {handlers: bundled("exec", `command = ["no-such-program-here"]`), code: 1, want: []string{
			`FAIL  handler "h"`, "handlers.hcl:4,", "Program not found; there is no program no-such-program-here in the PATH", "refused: 1 mistake",
		}},
		"no folder for exec": {handlers: bundled("exec", "command = [\"sh\"]\n    dir = \"/nowhere\""), code: 1, want: []string{
			`FAIL  handler "h"`, "handlers.hcl:5,", "Folder not found; there is no folder /nowhere",
		}},
		"no file of authorities": {handlers: bundled("http", "url = \"https://app/\"\n    tls {\n      ca_file = \"/nowhere/ca.pem\"\n    }"), code: 1,
			want: []string{`FAIL  handler "h"`, "handlers.hcl:6,17-34: The file of authorities cannot be used; ", "/nowhere/ca.pem: no such file"}},
		"an expired certificate": {handlers: bundled("http", fmt.Sprintf("url = \"https://app/\"\n    tls {\n      cert_file = %q\n      key_file = %[1]q\n    }", expired)),
			want: []string{`warn  handler "h"`, "handlers.hcl:6,", "The certificate has expired; It was good until ", "A reload would take"}},
		"no program": {handlers: "handler \"h\" {\n  plugin = \"./nothing\"\n}\n", code: 1, want: []string{
			`FAIL  handler "h"`, "handlers.hcl:2,12-23: Plugin not found",
		}},
		"another program": {handlers: ownHandler(t, "h", "hang", `sha256 = "`+strings.Repeat("0", 64)+`"`, takes), code: 1,
			want: []string{"Wrong checksum", "handlers.hcl:5"}},
		"program not started": {handlers: ownHandler(t, "h", "hang", "", map[string]string{"nothing": "x"}),
			want: []string{`ok    handler "h"`, "the program "}},
		"program refuses its config": {handlers: ownHandler(t, "h", "hang", "", map[string]string{"nothing": "x"}), plugins: true,
			code: 1, want: []string{`FAIL  handler "h"`, `handler "h": starting plugin`, "nothing"}},
		"program that is no plugin": {handlers: "handler \"h\" {\n  plugin = \"/bin/true\"\n}\n", plugins: true,
			code: 1, want: []string{`FAIL  handler "h"`, "handshake"}},
		"stdio not started": {handlers: bundled("stdio", stdio("mute")), want: []string{`ok    handler "h"`, "its config and files\n"}},
		"stdio does not get ready": {handlers: bundled("stdio", stdio("mute")), plugins: true, code: 1, want: []string{
			`FAIL  handler "h"`, "handlers.hcl:4,", "The program did not get ready", "it ended: exit status 4", "no module named fleet", "refused: 1 mistake",
		}},
		"stdio gets ready": {handlers: bundled("stdio", stdio("poisoned")), plugins: true, want: []string{
			`ok    handler "h"`, "whose program started, answered and took its settings", "A reload would take",
		}},
		"program takes its config": {handlers: ownHandler(t, "h", "hang", "", takes), plugins: true,
			want: []string{`ok    handler "h"`, "which started as hang", "A reload would take"}},
		"the Caddyfile": {app: "drain_timeout x", code: 1, want: []string{"FAIL  reading Caddyfile", "Caddyfile:3", "drain_timeout"}},
		"a token": {site: "smartcar_webhook {\n token {env.NOT_SET_ANYWHERE}\n}", code: 1,
			want: []string{"FAIL  the config", "NOT_SET_ANYWHERE"}},
		"a token and the handlers": {site: "smartcar_webhook {\n token {env.NOT_SET_ANYWHERE}\n}", handlers: "nonsense = 1\n", code: 1,
			want: []string{"NOT_SET_ANYWHERE", "handlers.hcl:1", "refused: 2 mistakes"}},
		"a site without fallback": {site: "smartcar_webhook /hook {\n token {env.SMARTCAR_TOKEN}\n}",
			want: []string{"warn  the sites", "warning: site a.example: smartcar_webhook", "respond 404", "A reload would take"}},
		"a source that no receiver has": {
			site:     "smartcar_webhook {\n source production\n token {env.SMARTCAR_TOKEN}\n}",
			handlers: "handler \"h\" {\n  plugin = \"jsonl\"\n  when = event.source == \"prod\"\n  config {\n    path = \"/tmp/events.jsonl\"\n  }\n}\n",
			want:     []string{"warn  the handlers files", "handlers.hcl:3,26-32: Unknown source", `Did you mean "production"?`, "A reload would take"},
		},
		"a max_age longer than the dedupe window": {
			site: "smartcar_webhook {\n max_age refuse 8d\n token {env.SMARTCAR_TOKEN}\n}\nrespond 404",
			want: []string{"warn  the sites", "the max_age of source default is 8d00h", "for 7d00h only (dedupe_window)", "A reload would take"},
		},
		"a type that there is not": {
			handlers: "handler \"h\" {\n  plugin = \"jsonl\"\n  when = event.type == \"SIGNAL_UPDATED\"\n  config {\n    path = \"/tmp/events.jsonl\"\n  }\n}\n",
			want:     []string{"warn  the handlers files", "handlers.hcl:3,24-40: Unknown event type", "A reload would take"},
		},
		"a buffer that is a file": {app: "buffer disk {\n path Caddyfile\n}", code: 1, want: []string{"FAIL  the buffer", "is a file"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			app := "admin off\n\tsmartcar {\n\t\tbuffer disk {\n\t\t\tpath data\n\t\t}\n\t\t" + "HANDLERS\n" + "\t}"
			if strings.HasPrefix(tt.app, "buffer") {
				app = "smartcar {\n" + tt.app + "\n}"
			} else if tt.app != "" {
				app = "\n\tsmartcar {\n\t\t\n\t\t" + tt.app + "\n\t}"
			}
			handlers := ""
			if tt.handlers != "" {
				handlers = "handlers handlers.hcl"
			}
			app = strings.ReplaceAll(app, "HANDLERS", handlers)
			site := tt.site
			if site == "" {
				site = "smartcar_webhook {\n token {env.SMARTCAR_TOKEN}\n}"
			}
			for file, text := range map[string]string{
				"Caddyfile": "{\n\t" + app + "\n}\na.example {\n" + site + "\n}\n", "handlers.hcl": tt.handlers,
			} {
				data := []byte(text)
				if file == "Caddyfile" {
					data = caddyfile.Format(data)
				}
				if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var args []string
			if tt.plugins {
				args = append(args, "--plugins")
			}
			out, code := runValidate(t, dir, args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing", want)
				}
			}
			if strings.Contains(out, `"level":`) {
				t.Error("lines of Caddy's log stand among the answers")
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
				t.Errorf("files were made: %v, %v", entries, err)
			}
			if t.Failed() {
				t.Logf("printed:\n%s", out)
			}
		})
	}
	t.Run("no config", func(t *testing.T) {
		if out, code := runValidate(t, t.TempDir()); code != 2 || !strings.Contains(out, "--config") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
}

// expiredPair is a certificate that was good until a minute ago, and its key, in PEM.
func expiredPair(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(-time.Minute)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
}
