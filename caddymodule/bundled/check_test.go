package bundled_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// load reads a handlers file as the app does, and returns what it is told in lines.
func load(t *testing.T, text string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("handlers.hcl", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, diags := handlersfile.Load([]string{"handlers.hcl"}, handlersfile.Options{
		Bundled: bundled.Schema, BundledNames: bundled.Names(), Check: bundled.Check, Exclusive: bundled.Exclusive,
	})
	var lines []string
	for _, d := range diags {
		lines = append(lines, handlersfile.Line(d))
	}
	return strings.Join(lines, "\n")
}

// What a plugin would refuse when it is configured is found when the file is read, without a process, with its line.
func TestValuesAreCheckedAtLoad(t *testing.T) {
	t.Setenv("LATER", "hunter2-hunter2")
	tests := map[string]struct {
		plugin, config string
		// want is what the only line begins with, or has in it; "": there is none.
		want []string
	}{
		"url without a scheme": {"http", `url = "localhost:3000/x"`, []string{"handlers.hcl:4,", "Not an http or https URL"}},
		"url with a password":  {"http", `url = "http://a:hunter2@x/"`, []string{"handlers.hcl:4,", "Name or password in the URL"}},
		"timeout without a unit": {"http", "url = \"http://x/\"\n    timeout = \"10\"",
			[]string{"handlers.hcl:5,", `Wrong value for "timeout"`, "not a duration"}},
		"timeout from the environment": {"http", "url = \"http://x/\"\n    timeout = env.LATER",
			[]string{"handlers.hcl:5,", "env.LATER is not a duration"}},
		"connections": {"http", "url = \"http://x/\"\n    max_idle_conns = 0", []string{"handlers.hcl:5,", "Too few"}},
		"a taken header": {"http", "url = \"http://x/\"\n    headers = { Connection = \"close\" }",
			[]string{"handlers.hcl:5,", "Header is taken"}},
		"a socket as a url": {"http", `url = "unix:///hunter2"`, []string{"handlers.hcl:4,", "unix_socket"}},
		"a token for signing": {"http", "url = \"http://x/\"\n    sign_token = \"hunter2\"",
			[]string{"handlers.hcl:5,", "Not a token", "too short"}},
		"a misspelt type": {"http", "url = \"http://x/\"\n    paths = { VEHICLE_EROR = \"/x\" }",
			[]string{"handlers.hcl:5,", `Did you mean "VEHICLE_ERROR"?`}},
		"a relative path": {"http", "url = \"http://x/\"\n    paths = { VEHICLE_ERROR = \"x\" }",
			[]string{"handlers.hcl:5,", "Not a path"}},
		"a password from the environment": {"http", "url = \"http://x/\"\n    bearer_token = \"${env.LATER} \"",
			[]string{"handlers.hcl:5,", "Not a bearer token"}},
		"in a block": {"http", "url = \"http://x/\"\n    basic_auth {\n      username = \"hunter2:\"\n      password = env.LATER\n    }",
			[]string{"handlers.hcl:6,", "Not a user name"}},
		"a misspelt block": {"http", "url = \"https://x/\"\n    tls {\n      cert = \"/hunter2\"\n    }",
			[]string{"handlers.hcl:6,", "cert"}},
		"a key without its certificate": {"http", "url = \"https://x/\"\n    tls {\n      key_file = \"/x\"\n    }",
			[]string{"handlers.hcl:6,", "Key without a certificate"}},
		"right":            {"http", `url = "http://x/"`, nil},
		"sync":             {"jsonl", "path = \"/x\"\n    sync = \"sometimes\"", []string{"handlers.hcl:5,", "Unknown sync policy"}},
		"size":             {"jsonl", "path = \"/x\"\n    max_size = \"10 lots\"", []string{"handlers.hcl:5,", `Wrong value for "max_size"`}},
		"too small a size": {"jsonl", "path = \"/x\"\n    max_size = \"1KiB\"", []string{"handlers.hcl:5,", "Too small"}},
		"relative path":    {"jsonl", `path = "events.jsonl"`, []string{"handlers.hcl:4,", "Relative path"}},
		"right path":       {"jsonl", `path = "/x"`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := load(t, "handler \"h\" {\n  plugin = \""+tt.plugin+"\"\n  config {\n    "+tt.config+"\n  }\n}\n")
			if (got == "") != (tt.want == nil) || strings.Contains(got, "\n") {
				t.Errorf("got %q", got)
			}
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %q in it", got, want)
				}
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("a secret is shown: %s", got)
			}
		})
	}
}

func TestTwoHandlersOfOneFile(t *testing.T) {
	handler := func(name, path string) string {
		return "handler \"" + name + "\" {\n  plugin = \"jsonl\"\n  config {\n    path = \"" + path + "\"\n  }\n}\n"
	}
	got := load(t, handler("a", "/x/events.jsonl")+handler("b", "/x/other/../events.jsonl")+handler("c", "/x/more.jsonl"))
	for _, want := range []string{"handlers.hcl:10,12-38: Taken by another handler", `"a", at handlers.hcl:1`, "same path"} {
		if !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}

// Those of the plugin http too, with the place in the block.
func TestCheckFilesOfABlock(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "ca.pem")
	diags := bundled.CheckFiles("http", []byte(`{"url":"https://x/","tls":{"ca_file":"`+absent+`","cert_file":null}}`))
	if len(diags) != 1 || diags[0].Warning || !strings.Contains(diags[0].Detail, absent) || strings.Join(diags[0].Path, ".") != "tls.ca_file" {
		t.Errorf("found %v", diags)
	}
}

func TestTargets(t *testing.T) {
	got := bundled.Targets("http", []byte(`{"url":"http://app/hook","unix_socket":"/run/app.sock"}`))
	if want := []bundled.Target{{URL: "http://app/hook", UnixSocket: "/run/app.sock"}}; !slices.Equal(got, want) {
		t.Errorf("http posts to %v, want %v", got, want)
	}
	if got := bundled.Targets("jsonl", []byte(`{"path":"/x"}`)); len(got) > 0 {
		t.Errorf("jsonl posts to %v", got)
	}
}

// The files that a config names are looked at, and left as they are.
func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	torn := filepath.Join(dir, "torn.jsonl")
	if err := os.WriteFile(torn, []byte(`{"event_id":`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ path, want string }{
		"not there yet":        {filepath.Join(dir, "new.jsonl"), ""},
		"there":                {torn, ""},
		"a folder":             {dir, "is not a regular file"},
		"no such folder":       {filepath.Join(dir, "no", "x.jsonl"), "there is no folder"},
		"a file as the folder": {filepath.Join(torn, "x.jsonl"), "not a directory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			diags := bundled.CheckFiles("jsonl", []byte(`{"path":"`+tt.path+`"}`))
			if tt.want == "" {
				if len(diags) > 0 {
					t.Errorf("found %v", diags)
				}
				return
			}
			if len(diags) != 1 || diags[0].Warning || !strings.Contains(diags[0].Detail, tt.want) || diags[0].Path[0] != "path" {
				t.Errorf("found %v, want %q", diags, tt.want)
			}
		})
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if text, err := os.ReadFile(torn); err != nil || string(text) != `{"event_id":` {
		t.Errorf("the file became %q, %v", text, err)
	}
}

func TestTwoHandlersOfOneStateFile(t *testing.T) {
	handler := func(name string) string {
		return "handler \"" + name + "\" {\n  plugin = \"notify\"\n  config {\n    state = \"/x/notify.db\"\n" +
			"    slack {\n      url = \"https://hooks.slack.com/x\"\n    }\n  }\n}\n"
	}
	if got := load(t, handler("a")+handler("b")); !strings.Contains(got, "Taken by another handler") || !strings.Contains(got, "same state") {
		t.Errorf("got %q", got)
	}
}

// What is wrong with a repeated block is found with its line, and without the secret.
func TestMistakeInABlock(t *testing.T) {
	got := load(t, "handler \"a\" {\n  plugin = \"notify\"\n  config {\n    state = \"/x/notify.db\"\n"+
		"    slack {\n      url = \"https://discord.com/api/hunter2\"\n    }\n  }\n}\n")
	if !strings.Contains(got, "handlers.hcl:5,") || !strings.Contains(got, "append /slack") || strings.Contains(got, "hunter2") {
		t.Errorf("got %q", got)
	}
}
