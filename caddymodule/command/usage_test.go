package command

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile" // reads --config
)

// smartcarCommand is the command with all that is below it, as Caddy has it.
func smartcarCommand() *cobra.Command {
	root := &cobra.Command{Use: "smartcar"}
	assemble(root)
	return root
}

// runIt runs a command line, and returns what it printed and its error: one with an
// exit code of its own is silent.
func runIt(args ...string) (out string, silent bool, err error) {
	var printed bytes.Buffer
	root := smartcarCommand()
	root.SetArgs(args)
	root.SetOut(&printed)
	root.SetErr(&printed)
	cmd, err := root.ExecuteC()
	return printed.String(), cmd.SilenceErrors, err
}

// What cannot be meant is said, and is no success.
func TestUsage(t *testing.T) {
	t.Setenv("SMARTCAR_TOKEN", "t")
	tests := map[string]string{
		"staus":                             `there is no "staus" in smartcar: there are`,
		"staus --address x --json":          `there is no "staus" in smartcar: there are`,
		"--address x":                       `there is no "--address" in smartcar: there are`,
		"dead-letters lst":                  `there is no "lst" in smartcar dead-letters: there are`,
		"replay lst":                        `there is no "lst" in smartcar replay: there are`,
		"status a b":                        "at most 1 arg",
		"status --jsn":                      "unknown flag: --jsn",
		"pause":                             "accepts 1 arg",
		"pause a b":                         "accepts 1 arg",
		"restart":                           "accepts 1 arg",
		"version x":                         "unknown command",
		"plugin nope":                       "no bundled plugin",
		"events --limit x":                  "invalid argument",
		"events --since yesterday":          "--since",
		"events --json --limit 2000":        "must be 1 to 1000",
		"status --timeout x":                "invalid argument",
		"events --timeout 0s":               "--timeout 0s: must be more than 0",
		"replay --all":                      "--handler is missing",
		"send x":                            "the URL must be a whole one",
		"send http://localhost --type x":    "unknown type",
		"send http://localhost --forge 3":   "--forge",
		"events --address 2019":             "only a port",
		"events --limit 0":                  "--limit 0: must be 1 or more",
		"events --limit -1":                 "--limit -1: must be 1 or more",
		"events --until 0":                  "--until",
		"dead-letters --limit 0":            "--limit 0",
		"dead-letters drop":                 "give one, or --all",
		"dead-letters drop x --all":         "a filter and --all",
		"dead-letters replay":               "give one, or --all",
		"replay --handler h --all --rate 0": "rate 0: must be 0.01 to 10000",
		"replay --handler h":                "give one, or --all",
		"send http://localhost --count 0":   "--count 0: must be 1 or more",
		"show 0":                            "positions begin at 1",
		"status --address https://x":        "over HTTPS",
	}
	for line, want := range tests {
		out, _, err := runIt(strings.Fields(line)...)
		if err == nil || err.Error() != "exiting with status 2" || !strings.Contains(out, want) {
			t.Errorf("%s: %v, want exit code 2\n%s; want %q", line, err, out, want)
		}
	}
	for _, line := range []string{"", "--help", "-h", "status --help", "dead-letters --help"} {
		if out, _, err := runIt(strings.Fields(line)...); err != nil || !strings.Contains(out, "Usage") {
			t.Errorf("smartcar %s: %v\n%s", line, err, out)
		}
	}
}

// What is no admin endpoint is named as such.
func TestStrangers(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"HTML":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello</html>")) },
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"404":     http.NotFound,
		"502":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
		"a list":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[1]")) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			// As people copy it.
			out, _, err := runIt("status", "--address", server.URL+"/")
			if err == nil || !strings.Contains(out, "no Caddy admin endpoint with this module at 127.0.0.1:") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestConfigSaysWhere(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "Caddyfile")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := adminFlags{config: write("{\n\tadmin unix//run/x.sock\n}\n")}
	if address, err := f.find(); err != nil || address != "unix//run/x.sock" {
		t.Errorf("%s, %v", address, err)
	}
	f.config = write("{\n\tadmin off\n}\n")
	if _, err := f.find(); err == nil || !strings.Contains(err.Error(), "`admin off`") {
		t.Errorf("got %v", err)
	}
}

// What only Caddy knows to be no reason, type or handler is a wrong command line as well.
func TestUsageThatCaddyRefuses(t *testing.T) {
	for _, tt := range []struct {
		status int
		want   string
	}{
		{http.StatusBadRequest, "exiting with status 2"},
		{http.StatusNotFound, "reason \"x\": must be one of"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(`{"error":"reason \"x\": must be one of"}`))
		}))
		out, _, err := runIt("dead-letters", "--reason", "x", "--address", server.Listener.Addr().String())
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(out, "must be one of") {
			t.Errorf("%d: %v, want %q\n%s", tt.status, err, tt.want, out)
		}
		server.Close()
	}
}

// None at all, and none of those that were asked for.
func TestNoDeadLetters(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"items":[]}`))
	}))
	defer server.Close()
	for want, args := range map[string][]string{
		"There are no dead letters.\n":    {"dead-letters"},
		"There is no such dead letter.\n": {"dead-letters", "--handler", "crm"},
	} {
		out, _, err := runIt(append(args, "--address", server.Listener.Addr().String())...)
		if err != nil || out != want {
			t.Errorf("%q: %v, %q, want %q", args, err, out, want)
		}
	}
}
