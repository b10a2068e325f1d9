package masking

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each config of testdata/*.json is shown as its golden file says. What is secret in them has "s3cr3t" in it.
func TestConfigs(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d configs, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(raw, []byte("s3cr3t")) {
				t.Error("it has no secret")
			}
			got, err := Config(raw)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(got, []byte("s3cr3t")) {
				t.Error("a secret is shown")
			}
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStrings(t *testing.T) {
	const receiver = "apps/http/servers/srv0/routes/0/handle/0/"
	for _, test := range []struct {
		at, value string
		shown     bool
	}{
		{receiver + "tokens/0", "{env.SMARTCAR_TOKEN}", true},
		{receiver + "tokens/0", "{file./run/secrets/token}", true},
		{receiver + "tokens/0", "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30", false},
		{receiver + "tokens/0", "{env.X:s3cr3t}", false},
		{receiver + "tokens/0", "{env.X}s3cr3t", false},
		{receiver + "tokens/0", "10s", false},
		{receiver + "tokens/0", "", true},
		{receiver + "timeout", "10s", true},
		{receiver + "max_size", "256KiB", true},
		{receiver + "password", "1234", false},
		{receiver + "code", "1234567", false},
		{receiver + "handler", "smartcar_webhook", true},
		{receiver + "handler", "bearer 7f1c9a52", false},
		{receiver + "path", "/webhooks", false},
		{"apps/http/servers/srv0/routes/0/match/0/path/0", "/webhooks/smartcar", true},
		{"apps/http/servers/srv0/routes/0/match/0/path/0", "/hook/7f1c9a523b0e", false},
		{"apps/http/servers/srv0/routes/0/match/0/path/0", "/hook/abcdefghijklmnopqrstuvwxyz", false},
		{"apps/http/servers/srv0/routes/0/match/0/host/0", "hooks.example.com", true},
		{"apps/http/servers/srv0/routes/0/match/0/host/0", "user@hooks.example.com", false},
		{"apps/http/servers/srv0/routes/0/match/0/query/token/0", "abc", false},
		{"apps/http/servers/srv0/listen/0", ":443", true},
		{"apps/http/servers/srv0/listen/0", "unix//run/caddy.sock|0660", true},
		{"apps/smartcar/buffer/path", "/var/lib/smartcar", true},
		{"apps/smartcar/attention/targets/0/url", "https://hooks.slack.com/services/T0/B0/xyz", false},
		{"apps/other/handler", "smartcar_webhook", false},
		{"apps/other/what/ever", "word", false},
	} {
		if got := mayShow(test.value, strings.Split(test.at, "/")); got != test.shown {
			t.Errorf("%q at %s: shown is %v", test.value, test.at, got)
		}
	}
}

func TestKeysAndNumbers(t *testing.T) {
	raw := `{"apps":{"x":{"alice@example.com s3cr3t":1,"7f1c9a523b0e4d6a":2,"X-Api-Key":["s3cr3t"],"port":5432,"pin":1234,` +
		`"n":123456789012345678901234,"on":true,"no":null}}}`
	want := `{"apps":{"x":{"(masked)":1,"X-Api-Key":["(masked)"],"port":5432,"pin":"(masked)","n":"(masked)","on":true,"no":null}}}`
	got, err := Config([]byte(strings.Replace(raw, `"7f1c9a523b0e4d6a":2,`, "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if json.Unmarshal(got, &a) != nil || json.Unmarshal([]byte(want), &b) != nil || !cmp.Equal(a, b) {
		t.Errorf("got %s", got)
	}
	if got, _ = Config([]byte(raw)); bytes.Contains(got, []byte("7f1c")) {
		t.Errorf("a key that is data is shown: %s", got)
	}
}

func TestNotJSON(t *testing.T) {
	for _, raw := range []string{"", "{", `{"token":"s3cr3t"`, `{} {}`, "s3cr3t", strings.Repeat("[", 20_000)} {
		if got, err := Config([]byte(raw)); !errors.Is(err, ErrNotJSON) || len(got) > 0 {
			t.Errorf("%.20q: %s, %v", raw, got, err)
		}
	}
	deep := strings.Repeat(`{"a":`, 1000) + `"s3cr3t"` + strings.Repeat("}", 1000)
	if got, err := Config([]byte(deep)); err != nil || bytes.Contains(got, []byte("s3cr3t")) {
		t.Errorf("%.80s, %v", got, err)
	}
}

// A string of a config is in what is shown only where a place of its own allows it.
func FuzzConfig(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"admin":{"listen":"localhost:2019"},"a":{"é":"{env.A}","b":[1e400,"10s",null]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Config(raw)
		if err != nil {
			return
		}
		var before, after any
		if json.Unmarshal(raw, &before) != nil {
			return // numbers that are too large for the test
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		allowed := map[string]bool{Masked: true, "": true}
		collect(before, nil, func(s string, at []string) {
			if mayShow(s, at) || len(at) > 0 && at[len(at)-1] == "source" && isName(s) {
				allowed[s] = true
			}
		})
		collect(after, nil, func(s string, _ []string) {
			if !allowed[s] {
				t.Errorf("%q is shown", s)
			}
			if strings.ContainsAny(s, "@\"'\n") {
				t.Errorf("%q has a form that nothing of this has", s)
			}
		})
	})
}

// collect calls visit with each string, and with the place where it is looked for.
func collect(value any, at []string, visit func(string, []string)) {
	switch v := value.(type) {
	case string:
		visit(v, at)
	case []any:
		for _, element := range v {
			collect(element, append(at[:len(at):len(at)], "0"), visit)
		}
	case map[string]any:
		for k, element := range v {
			if !structural(k) {
				k = Masked
			}
			collect(element, append(at[:len(at):len(at)], k), visit)
		}
	}
}
