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
	want := `{"apps":{"x":{"(masked)":["(masked)"],"port":5432,"pin":"(masked)","n":"(masked)","on":true,"no":null}}}`
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

// Of what may be named by anybody, each value has "s3cr3t" in it or is one of the numbers and texts of not.
func TestNamesOnTheWay(t *testing.T) {
	not := []string{
		"s3cr3t", "alice", "miller", "hunter", "abcDEF", "gXq", "12345", "98765", "4917", "aB3dE5fGh2Jk", "1234567", "57.7",
	}
	for _, test := range []struct {
		name, raw string
		want      []string
	}{
		{"people as keys", `{"users":{"alice@example.com":{"role":"a"},"bob.miller":1}}`, []string{`"users"`}},
		{"hosts as keys", `{"apps":{"x":{"domains":{"alice.example.com":["a"],"alice miller":1}}}}`, []string{`"domains"`}},
		{"keys that are secrets", `{"api_keys":{"hunter-two-correct":"svc","gXqPzRtWmKd":"svc","sk_live_abcDEFghiJKL":1}}`,
			[]string{`"api_keys"`}},
		{"plain keys below a secret", `{"api_keys":{"hunter":{"limit":1},"ports":[{"hunter":2}]}}`, []string{`"api_keys"`}},
		{"keys that look random", `{"a":{"gXqPzRtWmKd":"svc","skabcDEFghiJKL":1,"s3cr3t":1}}`, []string{`"a"`}},
		{"a number below a secret", `{"credentials":{"value":123456789012}}`, nil},
		{"a short number below a secret", `{"tokens":{"a":"12345","b":98765},"pin":[[{"size":12345}]]}`, nil},
		{"a masked key that is a secret's", `{"my.token":{"timeout":"12345s","n":12345}}`, nil},
		{"numbers of people", `{"chat_id":4917,"phone":4917,"vehicle-id":4917,"n":491701234567}`, nil},
		{"a place", `{"latitude":57.7,"lat":57.7,"x":57.7088}`, nil},
		{"a path that is a secret", `{"apps":{"http":{"servers":{"s":{"routes":[{"match":[{"path":["/hook/aB3dE5fGh2Jk","/s3cr3t-way",` +
			`"/hooks/smartcar2"],"query":{"hunter2pass":["12345"],"hunter":["*"]},"header":{"X-Hunter-Two":["12345"]}}]}]}}}}}`,
			[]string{`"/hooks/smartcar2"`, `"query"`, `"header"`}},
		{"headers", `{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"headers","request":{"set":` +
			`{"Authorization":["Bearer hunter"],"X-Code":["12345"],"X-Real-IP":["{http.request.host}"]}},"response":{"add":{"A":["1h"]},` +
			`"deferred":true}}]}]}}}}}`, []string{`"handler": "headers"`, `"Authorization"`, `"deferred": true`, "{http.request.host}"}},
		{"variables", `{"handle":[{"handler":"vars","hunter":{"handler":"hunter-two"},"word":"12345","n":12345}]}`, nil},
		{"a name in the place of a handler", `{"apps":{"http":{"servers":{"s":{"routes":[{"tokens":{"handler":"hunter-two"}}]}}}}}`, nil},
		{"a numeric text", `{"code":"12345","status":"404"}`, []string{`"404"`}},
		{"what is known", `{"apps":{"http":{"grace_period":30000000000,"servers":{"auth-site":{"listen":[":443"],"idle_timeout":` +
			`300000000000,"max_header_bytes":1048576,"routes":[{"handle":[{"handler":"encode","encodings":{"gzip":{"level":5}}}]}]}}}},` +
			`"logging":{"logs":{"log0":{"level":"INFO"}}},"n":7654321,"tls":{"tls-alpn":{}}}`,
			[]string{"30000000000", "300000000000", `"auth-site"`, `":443"`, "1048576", `"gzip"`, `"level": 5`, `"log0"`, `"INFO"`, "7654321",
				`"tls-alpn"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Config([]byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !bytes.Contains(got, []byte(want)) {
					t.Errorf("%s is not in\n%s", want, got)
				}
			}
			for _, not := range not {
				if bytes.Contains(got, []byte(not)) {
					t.Errorf("%s is in\n%s", not, got)
				}
			}
		})
	}
}

// Of an address that is masked its kind is said, but below a secret.
func TestAddresses(t *testing.T) {
	for s, want := range map[string]string{
		"127.0.0.1": "(loopback)", "::1": "(loopback)", "[::1]:23080": "(loopback):23080", "127.0.0.1:23080": "(loopback):23080",
		"10.1.2.3:80": "(private):80", "::ffff:10.1.2.3": "(private)", "10.0.0.0/8": "(private)/8", "fe80::1": "(private)",
		"203.0.113.7": "(public)", "2001:db8::/32": "(public)/32", "0.0.0.0:80": "(any address):80",
		"203.0.113.7.example": Masked, "tcp/10.1.2.3:80": Masked, "alice": Masked,
	} {
		got, err := Config([]byte(`{"address":"` + s + `","token":"` + s + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"address":"` + want + `","token":"(masked)"}`; string(bytes.Join(bytes.Fields(got), nil)) != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s is shown as %s", s, got)
		}
	}
	mask := Replacer(Secrets([]byte(`{"bind":"127.0.0.1","ranges":["203.0.113.0/24"]}`)))
	if got := mask.Replace("127.0.0.1:23080 of 203.0.113.0/24"); got != "(loopback):23080 of (public)/24" {
		t.Errorf("elsewhere: %s", got)
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
			if allowed[standIn(s)] = true; mayShow(s, at) || len(at) > 0 && at[len(at)-1] == "source" && isName(s) {
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
			collect(element, below(v, at, k), visit)
		}
	}
}
