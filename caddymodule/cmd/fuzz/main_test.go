package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// module is one with a target that finds nothing and one that does.
func module(t *testing.T) []target {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/fuzzed\n\ngo 1.24\n",
		"a/a_test.go": `package a

import "testing"

func FuzzWell(f *testing.F) { f.Fuzz(func(t *testing.T, n int) {}) }

func FuzzWrong(f *testing.F) {
	f.Fuzz(func(t *testing.T, b bool) {
		if b {
			t.Fatal("found")
		}
	})
}
`,
		"testdata/b_test.go": "func FuzzNot(f *testing.F) {}\n",
		// As this file is, when the whole project is searched.
		"c/c_test.go": "package c\n\nconst text = `\nfunc FuzzNot(f *testing.F) {}\n`\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	targets, err := find(".", regexp.MustCompile(""))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]target{{"a", "FuzzWell"}, {"a", "FuzzWrong"}}, targets, cmp.AllowUnexported(target{})); diff != "" {
		t.Fatal(diff)
	}
	return targets
}

func TestFind(t *testing.T) { module(t) }

// The real go test fuzzes the module. It builds the standard library with instruments for that, which takes
// half a minute, so this is a long test; TestJudge is its short form.
func TestFuzz(t *testing.T) {
	if !proof.IsLong() {
		t.Skip("SMARTCAR_LONG is not set")
	}
	checkResults(t, fuzzAll(t.Context(), module(t), time.Second, 2))
}

// What go test printed when it fuzzed the module.
func TestJudge(t *testing.T) {
	const (
		well = "fuzz: elapsed: 0s, gathering baseline coverage: 0/1 completed\n" +
			"fuzz: elapsed: 1s, execs: 87003 (86931/sec), new interesting: 0 (total: 1)\nPASS\n"
		wrong = "fuzz: elapsed: 0s, gathering baseline coverage: 0/2 completed\n--- FAIL: FuzzWrong (0.02s)\n" +
			"    --- FAIL: FuzzWrong (0.00s)\n        a_test.go:10: found\n    \n" +
			"    Failing input written to testdata/fuzz/FuzzWrong/4a8a0cc8b7b1e8b3\nFAIL\n"
	)
	t.Chdir(t.TempDir())
	checkResults(t, []result{
		target{"a", "FuzzWell"}.judge(well, nil),
		target{"a", "FuzzWrong"}.judge(wrong, errors.New("exit status 1")),
	})
	if r := (target{"a", "FuzzGone"}).judge("testing: warning: no fuzz tests to fuzz\nPASS\n", nil); r.err == nil {
		t.Error("a target that is not there passes")
	}
}

// checkResults wants the first target to pass and the second to fail, also in the report.
func checkResults(t *testing.T, results []result) {
	t.Helper()
	if results[0].err != nil || results[0].executions == 0 {
		t.Errorf("%v", results[0])
	}
	if results[1].err == nil || !strings.Contains(results[1].err.Error(), "Failing input written") {
		t.Errorf("%v", results[1])
	}
	dir := t.TempDir()
	t.Setenv(report.Folder, dir)
	r := report.New("fuzz", "c")
	if failed := write(r, results, time.Second); len(failed) != 1 || !strings.Contains(failed[0], "FuzzWrong") {
		t.Errorf("failed: %q", failed)
	}
	if err := r.Write(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "fuzz.md")); err != nil || !strings.Contains(string(text), "| findings | 1 |") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestFigures(t *testing.T) {
	const output = `fuzz: elapsed: 0s, gathering baseline coverage: 0/11 completed
fuzz: elapsed: 3s, execs: 325017 (108336/sec), new interesting: 11 (total: 202)
fuzz: elapsed: 5s, execs: 600000 (108336/sec), new interesting: 12 (total: 203)
PASS`
	if r := parse(target{}, output); r.executions != 600_000 || r.interesting != 12 {
		t.Errorf("%+v", r)
	}
	late := "--- FAIL: FuzzX (10.05s)\n    context deadline exceeded\nFAIL"
	if !endedLate(late) || endedLate(late+"\nFailing input written to testdata/fuzz/FuzzX/1") || endedLate("FAIL") {
		t.Error("a late end is not told from a finding")
	}
}

func TestCommand(t *testing.T) {
	const plain = "FUZZTIME=10m0s go run ./caddymodule/cmd/fuzz"
	other := runtime.NumCPU() + 1
	for _, test := range []struct {
		jobs        int
		match, want string
	}{
		{runtime.NumCPU(), "", plain},
		{other, "", fmt.Sprintf("%s -jobs %d", plain, other)},
		{runtime.NumCPU(), "^sdk", plain + " -match '^sdk'"},
	} {
		if got := command(10*time.Minute, test.jobs, test.match); got != test.want {
			t.Errorf("%d jobs, %q: %q, want %q", test.jobs, test.match, got, test.want)
		}
	}
}

func TestFuzzTime(t *testing.T) {
	for _, tt := range []struct {
		given time.Duration
		env   string
		want  time.Duration
		wrong bool
	}{
		{0, "", 30 * time.Second, false},
		{0, "10m", 10 * time.Minute, false},
		{time.Second, "10m", time.Second, false},
		{0, "soon", 0, true},
		{-1, "", 0, true},
	} {
		if got, err := fuzzTime(tt.given, tt.env); got != tt.want || (err != nil) != tt.wrong {
			t.Errorf("%v, %q: %v, %v", tt.given, tt.env, got, err)
		}
	}
}
