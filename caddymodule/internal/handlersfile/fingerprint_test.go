package handlersfile

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A field that is new in Definition has to be thought of here, and then in
// fingerprint.
func TestFingerprintKnowsEveryField(t *testing.T) {
	counts := map[string]bool{
		"Name": true, "Plugin": true, "Command": true, "Args": true, "SHA256": true, "When": true, "Order": true,
		"Concurrency": true, "Timeout": true, "Retry": true, "Breaker": true, "Batch": true, "ParkAfter": true,
		"Start": false, "Stale": true, "Env": true, "Config": true, "ConfigJSON": false, "Range": false, "Fingerprint": false,
		"Mistake": false, // see Mistaken
	}
	// Those that the source is hashed for, rather than the value.
	fromSource := map[string]bool{"When": true, "Config": true}
	plain := Definition{Config: &hclsyntax.Body{}}
	before := fingerprint(&plain, nil, nil, nil)
	fields := reflect.TypeFor[Definition]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		want, known := counts[name]
		if !known {
			t.Errorf("nobody has said whether %s counts", name)
			continue
		}
		if fromSource[name] || name == "Mistake" {
			continue
		}
		for _, changed := range changes(t, plain, i) {
			if after := fingerprint(&changed, nil, nil, nil); (before != after) != want {
				t.Errorf("%s: the fingerprint changes: %v, want %v", name, before != after, want)
			}
		}
	}
}

// anyElement is a value of a slice's element that is not zero.
func anyElement(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	if t.Kind() == reflect.String {
		v.SetString("x")
	} else {
		v.SetUint(7)
	}
	return v
}

// changes returns copies of d with another value in its field i, one for each part
// of the field.
func changes(t *testing.T, d Definition, i int) []Definition {
	t.Helper()
	var all []Definition
	change := func(path ...int) {
		changed := d
		switch field := reflect.ValueOf(&changed).Elem().FieldByIndex(path); field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Int, reflect.Int64:
			field.SetInt(7)
		case reflect.Slice:
			field.Set(reflect.Append(reflect.MakeSlice(field.Type(), 0, 1), anyElement(field.Type().Elem())))
		case reflect.Map:
			field.Set(reflect.ValueOf(map[string]string{"x": "y"}))
		default:
			if field.Type() != reflect.TypeFor[time.Time]() && field.Type() != reflect.TypeFor[hcl.Pos]() {
				t.Fatalf("this test does not know how to change a %s", field.Type())
			}
		}
		all = append(all, changed)
	}
	field := reflect.TypeFor[Definition]().Field(i).Type
	if field.Kind() != reflect.Struct {
		change(i)
		return all
	}
	for j := range field.NumField() {
		change(i, j)
	}
	return all
}

const fingerprinted = `handler "a" {
  plugin = "./bin/own"
  args   = ["x"]
  when   = event.mode == "LIVE"
  env = {
    A = "1"
    B = env.SMARTCAR_TEST_ONE
  }
  config {
    a = "1 2"
    b {
      c = env.SMARTCAR_TEST_TWO
    }
  }
}
`

func TestFingerprint(t *testing.T) {
	replace := func(from, to string) func(t *testing.T, text string) string {
		return func(t *testing.T, text string) string {
			changed := strings.Replace(text, from, to, 1)
			if changed == text {
				t.Fatalf("the text has no %q", from)
			}
			return changed
		}
	}
	tests := []struct {
		name    string
		change  func(t *testing.T, text string) string
		changes bool
	}{
		{"nothing", func(_ *testing.T, text string) string { return text }, false},
		{"comments", replace("args", "# more\n args"), false},
		{"comment in an expression", replace("event.mode ==", "/* which */ event.mode =="), false},
		{"blanks", replace(`["x"]`, `[  "x"  ]`), false},
		{"place in the file", func(_ *testing.T, text string) string { return "\n\n" + text }, false},
		{"a default written out", replace("args", "order = \"vehicle\"\n args"), false},
		{"order of env", replace("A = \"1\"\n    B = env.SMARTCAR_TEST_ONE", "B = env.SMARTCAR_TEST_ONE\n    A = \"1\""), false},
		{"name", replace(`"a"`, `"b"`), true},
		{"argument", replace(`["x"]`, `["x", "y"]`), true},
		{"argument split", replace(`["x"]`, `["x", ""]`), true},
		{"when", replace("LIVE", "TEST"), true},
		{"no when", replace(`when   = event.mode == "LIVE"`, ``), true},
		{"order", replace("args", "order = \"none\"\n args"), true},
		{"concurrency", replace("args", "concurrency = 17\n args"), true},
		{"timeout", replace("args", "timeout = \"11s\"\n args"), true},
		{"retry", replace("args", "retry {\n max_attempts = 3\n }\n args"), true},
		{"breaker", replace("args", "breaker {\n failures = 3\n }\n args"), true},
		{"park_after in attempts", replace("args", "park_after = 3\n args"), true},
		{"park_after in time", replace("args", "park_after = \"3s\"\n args"), true},
		{"stale signals", replace("args", "signals {\n stale = \"drop\"\n }\n args"), true},
		{"stale signals' default written out", replace("args", "signals {\n stale = \"mark\"\n }\n args"), false},
		{"start", replace("args", "start = \"now\"\n args"), false},
		{"start at a time", replace("args", "start = \"2026-03-01T00:00:00Z\"\n args"), false},
		{"batch", replace("args", "batch {\n max_wait = \"1s\"\n }\n args"), true},
		{"env", replace(`A = "1"`, `A = "2"`), true},
		{"blank inside a text", replace(`"1 2"`, `"1  2"`), true},
		{"config's block", replace("b {", "bb {"), true},
		{"variable behind env", func(t *testing.T, text string) string { t.Setenv("SMARTCAR_TEST_ONE", "other"); return text }, true},
		{"variable behind config", func(t *testing.T, text string) string { t.Setenv("SMARTCAR_TEST_TWO", "other"); return text }, true},
		{"program replaced", func(t *testing.T, text string) string {
			if err := os.WriteFile("bin/own", []byte(program+"#\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			return text
		}, true},
		{"program rebuilt to the same size", func(t *testing.T, text string) string {
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes("bin/own", later, later); err != nil {
				t.Fatal(err)
			}
			return text
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("SMARTCAR_TEST_ONE", "1")
			t.Setenv("SMARTCAR_TEST_TWO", "2")
			write(t, map[string]string{"bin/own": program, "handlers.hcl": fingerprinted})
			before := mustLoad(t, "handlers.hcl")[0].Fingerprint
			if err := os.WriteFile("handlers.hcl", []byte(tt.change(t, fingerprinted)), 0o644); err != nil {
				t.Fatal(err)
			}
			after := mustLoad(t, "handlers.hcl")[0].Fingerprint
			if (before != after) != tt.changes {
				t.Errorf("fingerprint changed: %v, want %v", before != after, tt.changes)
			}
		})
	}
}
