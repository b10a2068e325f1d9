package handlersfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const shownHandlers = `# s3cr3t comment
handler "crm" {
  plugin      = "./bin/crm-handler"  // s3cr3t
  args        = ["--token", "s3cr3t"]
  sha256      = "s3cr3t"
  when        = event.type == "VEHICLE_STATE" && event.vehicle != "s3cr3t" && event.source == "s3cr3t"
  order       = "vehicle"
  concurrency = 16
  timeout     = "10s"
  start       = "2026-03-01T00:00:00Z"
  retry {
    max_attempts = 12
    min_delay    = "1s"
  }
  env = { PGHOST = "s3cr3t.internal", PGPASSWORD = env.CRM_PASSWORD, "s3cr3t" = "x" }
  config {
    url      = "https://user:s3cr3t@example.com"
    password = env.CRM_PASSWORD
    pin      = 73571
    on       = true
    text     = <<EOT
handler s3cr3t
s3cr3t
EOT
    headers  = { Authorization = "Bearer ${env.TOKEN}s3cr3t", list = [for s in ["s3cr3t"] : s] }
    auth "s3cr3t" {
      timeout = "s3cr3t"
      plugin  = "s3cr3t"
    }
    handler "s3cr3t" {
      plugin = "s3cr3t"
    }
  }
}
`

const shownAs = `
handler "crm" {
  plugin      = "./bin/crm-handler"  
  args        = ["***", "***"]
  sha256      = "***"
  when        = event.type == "VEHICLE_STATE" && event.vehicle != "***" && event.source == "***"
  order       = "vehicle"
  concurrency = 16
  timeout     = "10s"
  start       = "2026-03-01T00:00:00Z"
  retry {
    max_attempts = 12
    min_delay    = "1s"
  }
  env = { PGHOST = "***", PGPASSWORD = env.CRM_PASSWORD, "***" = "***" }
  config {
    url      = "***"
    password = env.CRM_PASSWORD
    pin      = ***
    on       = true
    text     = ***
    headers  = { *** = "***${env.TOKEN}***", *** = [for *** in ["***"] : ***] }
    auth "***" {
      timeout = "***"
      plugin  = "***"
    }
    handler "***" {
      plugin = "***"
    }
  }
}
`

func TestShown(t *testing.T) {
	name := filepath.Join(t.TempDir(), "handlers.hcl")
	if err := os.WriteFile(name, []byte(shownHandlers), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Shown(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != shownAs {
		t.Errorf("got\n%s", got)
	}
	if _, err := Shown(name + "-not"); err == nil {
		t.Error("a file that is not there is shown")
	}
	if err := os.WriteFile(name, []byte("# s3cr3t\n"+strings.Repeat(" ", maxFileSize)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Shown(name); err == nil || got != "" {
		t.Errorf("a file that is too large: %.100q", got)
	}
}

// Each attribute shows what has its own form, and nothing else.
func TestShownForms(t *testing.T) {
	const secret = "s3cr3tpassw0rd-abc.def+gh"
	shown := map[string][]string{
		"order": {"vehicle", "none"}, "stale": {"deliver", "mark", "drop"}, "timeout": {"10s", "1m30s", "1.5h"}, "cooldown": {"500ms"},
		"start": {"now", "beginning", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00+01:00", "2026-03-01"}, "min_delay": {"1s"},
		"max_delay": {"7d"}, "max_wait": {"1s"}, "park_after": {"6h", "12"}, "concurrency": {"16"}, "max_attempts": {"12"},
		"failures": {"5"}, "max_events": {"100"}, "sha256": nil, "when": {"VEHICLE_STATE"}, "plugin": {"./bin/crm"},
	}
	for name := range plainNames {
		values, ok := shown[name]
		if !ok {
			t.Errorf("the test has no values of %s", name)
		}
		for _, value := range values {
			if is := formOf(name); is == nil || !is(value) {
				t.Errorf("%s = %q is masked", name, value)
			}
		}
		for _, value := range []string{secret, "hunter2 x", "123456789012", "", "10s\n", "hunter2+1.0"} {
			if is := formOf(name); is != nil && is(value) {
				t.Errorf("%s = %q is shown", name, value)
			}
		}
		content := "handler \"a\" {\n " + name + " = \"" + secret + "\"\n}\n"
		if got := shownText([]byte(content)); strings.Contains(got, "s3cr3t") {
			t.Errorf("got %s", got)
		}
	}
	for when, want := range map[string]string{
		"s3cr3t":                            "***",
		"event.source == s3cr3t":            "event.source == ***",
		"event.type == s3cr3t.source":       "event.type == ***.source",
		"event.mode == \"live\" && !s3cr3t": "event.mode == \"live\" && !***",
	} {
		if got := shownText([]byte("handler \"a\" {\n when = " + when + "\n}\n")); !strings.Contains(got, "when = "+want+"\n") {
			t.Errorf("%s: got %s", when, got)
		}
	}
	for _, name := range []string{"timeout", "order", "concurrency", "stale"} {
		if formOf(name)("hunter2") {
			t.Errorf("%s = hunter2 is shown", name)
		}
	}
}

// Of a file that cannot be parsed, or is none, no value is shown either.
func TestShownOfBrokenFiles(t *testing.T) {
	for _, content := range []string{
		"handler \"s3cr3t\" { config { password = \"s3cr3t\" }",
		"handler \"a\" {\n password = s3cr3t = =\n s3cr3t\n}",
		"s3cr3t", "plugin = 's3cr3t'", "handler s3cr3t {", "a = <<EOT\ns3cr3t", "handler \"a\" {\n env = { s3cr3t }", "\x00s3cr3t", "\xff\xfes\x003",
		"a = \"${s3cr3t", "/* s3cr3t", "timeout = \"s3cr3t\"\nhandler \"s3cr3t s\" {\n timeout = \"s3cr3t !\" \n}", "handler \"a\" { x = " + strings.Repeat("(", 10_000) + "s3cr3t",
	} {
		if got := shownText([]byte(content)); strings.Contains(got, "s3cr3t") {
			t.Errorf("%q is shown as %q", content, got)
		}
	}
}

// What is shown has no literal but those whose form one of the places allows, and no comment.
func FuzzShown(f *testing.F) {
	f.Add([]byte(shownHandlers))
	f.Add([]byte(fingerprinted))
	seeds, _ := filepath.Glob("testdata/mistakes/*.hcl")
	for _, seed := range seeds {
		content, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		// A mask beside a / would look like a comment.
		got := strings.ReplaceAll(shownText(content), maskedValue, "0")
		tokens, _ := hclsyntax.LexConfig([]byte(got), "", hcl.InitialPos)
		for _, token := range tokens {
			s := string(token.Bytes)
			switch token.Type {
			case hclsyntax.TokenComment:
				t.Errorf("a comment is shown: %q", s)
			case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
				if strings.TrimSpace(s) != "" && !label.MatchString(s) && !programPath.MatchString(s) && !duration.MatchString(s) && !smallNum.MatchString(s) && !isTime(s) && !knownWords()[s] {
					t.Errorf("%q is shown", s)
				}
			case hclsyntax.TokenIdent:
				if !attrName.MatchString(s) && !variable.MatchString(s) {
					t.Errorf("%q is shown", s)
				}
			}
		}
	})
}
