package handlersfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// write makes files in a new folder, which becomes the working one.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(name, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func mustLoad(t *testing.T, paths ...string) []Definition {
	t.Helper()
	file, diags := Load(paths, testOptions)
	if len(diags) > 0 {
		t.Fatalf("diagnostics: %v", diags.Errs())
	}
	return file.Handlers
}

func lines(diags hcl.Diagnostics) []string {
	var all []string
	for _, d := range diags {
		all = append(all, Line(d))
	}
	return all
}

const program = "#!/bin/sh\nexit 0\n"

var ignore = cmpopts.IgnoreFields(Definition{}, "When", "Config", "Range", "Fingerprint")

func TestLoadDefaults(t *testing.T) {
	write(t, map[string]string{"handlers.hcl": `handler "a" {
  plugin = "http"
  config {
    url = "http://127.0.0.1/"
  }
}`})
	got := mustLoad(t, "handlers.hcl")
	want := []Definition{{
		Name: "a", Plugin: "http", Order: OrderVehicle, Concurrency: 16, Timeout: 10 * time.Second,
		Retry:   Retry{MaxAttempts: 12, MinDelay: time.Second, MaxDelay: 10 * time.Minute},
		Breaker: Breaker{Failures: 5, Cooldown: time.Minute},
		Batch:   Batch{MaxEvents: 50},
		Stale:   StaleMark,

		ConfigJSON: json.RawMessage(`{"headers":null,"url":"http://127.0.0.1/"}`),
	}}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	if got[0].When != nil {
		t.Error("When must be nil where there is no expression")
	}
	if got[0].Range.Filename != "handlers.hcl" || got[0].Range.Start.Line != 1 {
		t.Errorf("Range = %v", got[0].Range)
	}
}

func TestLoadEverything(t *testing.T) {
	t.Setenv("SMARTCAR_TEST_PASSWORD", "pa55")
	sum := "306c6ca7407560340797866e077e053627ad409277d1b9da58106fce4cf717cb"
	write(t, map[string]string{
		"conf/bin/handler": program,
		"conf/handlers.hcl": `handler "own-1_A" {
  plugin      = "./bin/handler"
  args        = ["--verbose", 5]
  sha256      = "` + strings.ToUpper(sum) + `"
  when        = event.mode == "LIVE"
  order       = "none"
  concurrency = 1024
  timeout     = "1h"
  park_after  = "30d"
  start       = "2026-03-01T02:00:00+02:00"
  retry {
    max_attempts = 1
    min_delay    = "1d"
    max_delay    = "1d12h"
  }
  breaker {
    failures = 1
    cooldown = "1d"
  }
  batch {
    max_events = 1000
    max_wait   = "0s"
  }
  signals {
    stale = "drop"
  }
  env = {
    PGUSER     = "app"
    PGPORT     = 5432
    PGPASSWORD = "x${env.SMARTCAR_TEST_PASSWORD}"
  }
  config {
    anything = ["goes", env.SMARTCAR_TEST_PASSWORD]
    nested {
      deep = true
    }
  }
}`,
	})
	got := mustLoad(t, "conf/handlers.hcl")
	folder, err := filepath.Abs("conf")
	if err != nil {
		t.Fatal(err)
	}
	want := []Definition{{
		Name: "own-1_A", Command: filepath.Join(folder, "bin", "handler"), Args: []string{"--verbose", "5"}, SHA256: sum,
		Order: OrderNone, Concurrency: 1024, Timeout: time.Hour,
		Retry:   Retry{MaxAttempts: 1, MinDelay: 24 * time.Hour, MaxDelay: 36 * time.Hour},
		Breaker: Breaker{Failures: 1, Cooldown: 24 * time.Hour},
		Batch:   Batch{MaxEvents: 1000, MaxWait: 0},

		ParkAfter: ParkAfter{Age: 30 * 24 * time.Hour},
		Start:     Start{From: StartAt, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
		Stale:     StaleDrop,
		Env:       map[string]string{"PGUSER": "app", "PGPORT": "5432", "PGPASSWORD": "xpa55"},
	}}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	if !got[0].When.Match(&buffer.Event{Mode: "LIVE"}) || got[0].When.Match(&buffer.Event{Mode: "TEST"}) {
		t.Error("When does not do what is written")
	}
}

func handlerText(name string) string {
	return `handler "` + name + `" {
  plugin = "http"
  config {
    url = "http://127.0.0.1/"
  }
}
`
}

func TestLoadPaths(t *testing.T) {
	write(t, map[string]string{
		"first.hcl": handlerText("z"), "d/b.hcl": handlerText("b"), "d/a.hcl": handlerText("a"), "d/.hidden.hcl": "{",
		"d/notes.txt": "{", "d/sub/c.hcl": "{", "empty/readme": "", "blank.hcl": "# nothing yet\n",
	})
	tests := []struct {
		name  string
		paths []string
		want  []string
		diags []string
	}{
		{name: "no path"},
		{name: "a file and a folder", paths: []string{"first.hcl", "d"}, want: []string{"z", "a", "b"}},
		{name: "a file that the folder holds too", paths: []string{"d/b.hcl", "./d", "d/../d/b.hcl"}, want: []string{"b", "a"}},
		{
			name: "a file without handlers beside another", paths: []string{"blank.hcl", "first.hcl"}, want: []string{"z"},
			diags: []string{`blank.hcl:1,1-1: No handlers; This file has no handler block, so nothing is delivered by it; what waits for a handler that was here goes on waiting. To mean it, leave it out of ` +
				`"handlers" in the Caddyfile, or remove it from the folder.`},
		},
		{
			name: "an empty folder", paths: []string{"empty"},
			diags: []string{`No handlers files; The folder "empty" holds no file that ends in .hcl, so it defines no handlers.`},
		},
		{
			name: "a missing file beside a good one", paths: []string{"nope.hcl", "first.hcl"}, want: []string{"z"},
			diags: []string{`Unreadable handlers file; There is no file or folder "nope.hcl".`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file, diags := Load(tt.paths, testOptions)
			var names []string
			for _, d := range file.Handlers {
				names = append(names, d.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("handlers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.diags, lines(diags)); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

// One load reports the mistakes of all files, also behind a file that cannot be
// parsed, and still gives the handlers that have none.
func TestLoadReportsAllMistakes(t *testing.T) {
	write(t, map[string]string{
		"d/1.hcl": "handler \"broken {\n",
		"d/2.hcl": `handler "bad" {
  plugin      = "htpt"
  concurrency = 0
  timeout     = "x"
  order       = "y"
  when        = event.tpye == evnt.mode
  retry {
    max_attempts = "many"
    pause        = 1
  }
  env = { A = env.SMARTCAR_TEST_UNSET_A, B = env.SMARTCAR_TEST_UNSET_B }
  config {
    a = env.SMARTCAR_TEST_UNSET_C
  }
}
` + handlerText("good"),
		"d/3.hcl": handlerText("good"),
	})
	file, diags := Load([]string{"d"}, testOptions)
	if len(file.Handlers) != 1 || file.Handlers[0].Name != "good" || file.Handlers[0].Range.Filename != filepath.Join("d", "2.hcl") {
		t.Errorf("handlers = %v", file.Handlers)
	}
	var got []string
	for _, d := range diags {
		if d.Subject.Filename != filepath.Join("d", "1.hcl") {
			got = append(got, strings.TrimPrefix(d.Subject.String(), "d"+string(filepath.Separator))+" "+d.Summary)
		}
	}
	want := []string{
		"2.hcl:2,17-23 Unknown plugin",
		"2.hcl:3,17-18 Number out of range",
		"2.hcl:4,17-20 Unreadable duration",
		"2.hcl:5,17-20 Unknown order",
		"2.hcl:6,22-27 Unknown field of event",
		"2.hcl:6,31-35 Unknown variable",
		"2.hcl:8,20-26 Wrong type",
		"2.hcl:9,5-10 Unsupported argument",
		"2.hcl:11,15-40 Environment variable not set",
		"2.hcl:11,46-71 Environment variable not set",
		"2.hcl:13,9-34 Environment variable not set",
		"3.hcl:1,9-15 Duplicate handler",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
	if len(got) == len(diags) {
		t.Error("the file that cannot be parsed was not reported")
	}

	err := file.Error(diags)
	if err == nil || len(strings.Split(err.Error(), "\n")) != len(diags) {
		t.Errorf("Error gives %v, want a line for each of %d", err, len(diags))
	}
}

func TestErrorIgnoresWarnings(t *testing.T) {
	var file *File
	if err := file.Error(hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "careful"}}); err != nil {
		t.Errorf("Error = %v", err)
	}
}

func TestLoadRefusesWhatIsTooLarge(t *testing.T) {
	write(t, map[string]string{
		"large.hcl": strings.Repeat("# comment\n", maxFileSize/10+1),
		"bangs.hcl": `handler "a" { when = ` + strings.Repeat("!", 100_000) + "true }",
		"huge.hcl":  `handler "a" { timeout = "${1e999999999}" }`,
		"tiny.hcl":  `handler "a" { timeout = 1E-0012345 }`,
		"ask.hcl":   `handler "a" { when = ` + strings.Repeat("true ? ", 30_000) + "}",
	})
	for name, want := range map[string]string{
		"large.hcl": "Handlers file too large", "bangs.hcl": "Nested too deeply", "ask.hcl": "Nested too deeply",
		"huge.hcl": "Number out of range", "tiny.hcl": "Number out of range",
	} {
		file, diags := Load([]string{name}, testOptions)
		if len(diags) != 1 || diags[0].Summary != want {
			t.Errorf("%s: %v", name, lines(diags))
		}
		if err := file.Write(new(strings.Builder), diags, false); err != nil {
			t.Errorf("%s: writing: %v", name, err)
		}
	}
}

// A file of nothing but mistakes does not hold up a load.
func TestManyMistakes(t *testing.T) {
	write(t, map[string]string{
		"blocks.hcl": strings.Repeat("handler \"a\" {\n}\n", 300),
		"config.hcl": "handler \"c\" {\n plugin = \"jsonl\"\n config {\n" + numbered(300) + "}\n}\n",
	})
	for name, want := range map[string]int{"blocks.hcl": 599, "config.hcl": 301} {
		file, diags := Load([]string{name}, testOptions)
		if len(diags) != want {
			t.Errorf("%s: %d diagnostics, want %d", name, len(diags), want)
		}
		var shown strings.Builder
		if err := file.Write(&shown, diags, false); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(shown.String(), "more.") {
			t.Errorf("%s: Write does not say that there are more", name)
		}
	}
}

func numbered(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "a%d = \"x\"\n", i)
	}
	return text.String()
}

func TestParseDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		bad  bool
	}{
		{text: "500ms", want: 500 * time.Millisecond},
		{text: "1h30m", want: 90 * time.Minute},
		{text: "7d", want: 7 * 24 * time.Hour},
		{text: "1d12h", want: 36 * time.Hour},
		{text: "0", want: 0},
		{text: "-1s", want: -time.Second},
		{text: "", bad: true},
		{text: "10", bad: true},
		{text: "d", bad: true},
		{text: "1.5d", bad: true},
		{text: "1h1d", bad: true},
		{text: "1d-1h", bad: true},
		{text: "1d+1h", bad: true},
		{text: "999999d", bad: true},
		{text: "99999d2500000h", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseDuration(tt.text)
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("parseDuration(%q) = %v, %v", tt.text, got, err)
			}
		})
	}
}
