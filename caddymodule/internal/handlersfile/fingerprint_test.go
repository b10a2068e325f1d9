package handlersfile

import (
	"os"
	"strings"
	"testing"
	"time"
)

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
	replace := func(old, new string) func(t *testing.T, text string) string {
		return func(t *testing.T, text string) string {
			changed := strings.Replace(text, old, new, 1)
			if changed == text {
				t.Fatalf("the text has no %q", old)
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
