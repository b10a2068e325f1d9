package module

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestUnmarshalCaddyfile(t *testing.T) {
	for _, test := range []struct {
		name, in, want string
	}{
		{"nothing", `disk`, `{}`},
		{"all", "disk {\n path /var/lib/smartcar\n retention 7d\n max_size 10GiB\n dedupe_window 36h\n dead_letter_retention 60d\n headroom 1GB\n}",
			`{"path":"/var/lib/smartcar","retention":604800000000000,"max_size":10737418240,"dedupe_window":129600000000000,"dead_letter_retention":5184000000000000,"headroom":1000000000}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := caddyfile.UnmarshalModule(dispense(test.in), "smartcar.buffers.disk")
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, string(got)); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func dispense(in string) *caddyfile.Dispenser {
	d := caddyfile.NewTestDispenser(in)
	d.Next()
	return d
}

func TestUnmarshalCaddyfileMistakes(t *testing.T) {
	for _, test := range []struct {
		name, in, want string
	}{
		{"surplus argument", "disk fast", "takes no argument, only a block"},
		{"surplus argument in a line", "disk {\n path /a /b\n}", "path needs exactly one value, as in `path /var/lib/smartcar`; found 2"},
		{"no argument", "disk {\n retention\n}", "retention needs exactly one value, as in `retention 7d`; found 0"},
		{"twice", "disk {\n path /a\n path /b\n}", "path is given twice"},
		{"unknown", "disk {\n size 5\n}", "unknown option 'size'; there is: path, retention, max_size"},
		{"bad duration", "disk {\n retention soon\n}", "retention 'soon': must be a duration such as 7d"},
		{"zero duration", "disk {\n retention 0s\n}", "must be more than 0"},
		{"bad size", "disk {\n max_size big\n}", "max_size 'big': must be a size such as 10GiB"},
		{"zero size", "disk {\n headroom 0\n}", "must be more than 0"},
		{"window too short", "disk {\n dedupe_window 1s\n path /a\n}", "Testfile:2"},
		{"a block in a line", "disk {\n path /a {\n  x\n }\n}", "path has no block"},
		{"empty path", "disk {\n path \"\"\n}", "path is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := caddyfile.UnmarshalModule(dispense(test.in), "smartcar.buffers.disk")
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Testfile:") {
				t.Fatalf("got %v, want %q with file and line", err, test.want)
			}
		})
	}
}

func TestModule(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SMARTCAR_TEST_DIR", dir)
	m := &Module{Path: "{env.SMARTCAR_TEST_DIR}/a/../buffer"}
	if err := m.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "buffer"); m.Key() != want {
		t.Fatalf("key is %s, want %s", m.Key(), want)
	}
	if _, err := os.Stat(m.Path); !os.IsNotExist(err) {
		t.Fatalf("provisioning touched the disk: %v", err)
	}
	b, err := m.Open(context.Background(), buffer.Host{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if info, err := os.Stat(m.Path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		t.Fatalf("the directory has mode %v (%v), others must not read it", info.Mode(), err)
	}
	m.MaxSize = 5 << 20
	if err := m.Reconfigure(b); err != nil {
		t.Fatal(err)
	}
	if got := b.Limits().MaxSize; got != 5<<20 {
		t.Fatalf("max_size is %d after Reconfigure", got)
	}
}

func TestModuleDefaultsAndMistakes(t *testing.T) {
	m := new(Module)
	if err := m.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(caddy.AppDataDir(), "smartcar"); m.Path != want {
		t.Fatalf("default path is %s, want %s", m.Path, want)
	}
	if err := (&Module{Path: "{env.SMARTCAR_NOT_SET}"}).Provision(caddy.Context{}); err == nil {
		t.Fatal("an empty placeholder was taken as a path")
	}
	for want, m := range map[string]*Module{
		"retention is":             {Retention: -1},
		"dedupe_window is":         {DedupeWindow: caddy.Duration(59 * 60e9)},
		"dead_letter_retention is": {DeadLetterRetention: 1},
		"max_size is":              {MaxSize: 1000},
	} {
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestModuleLimits(t *testing.T) {
	for _, test := range []struct {
		name      string
		module    *Module
		maxSize   uint64
		retention time.Duration
	}{
		{"defaults", new(Module), 10 << 30, 7 * 24 * time.Hour},
		{"its own", &Module{MaxSize: 1 << 20, Retention: caddy.Duration(time.Hour)}, 1 << 20, time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.module.Limits(); got.MaxSize != test.maxSize || got.Retention != test.retention {
				t.Errorf("got %+v, want max_size %d, retention %s", got, test.maxSize, test.retention)
			}
		})
	}
}
