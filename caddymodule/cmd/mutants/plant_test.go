package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
)

// house is a module with one function and its tests.
func house(t *testing.T) *workshop {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module house\n\ngo 1.26\n")
	write(t, dir, "p/p.go", "package p\n\n// Add adds.\nfunc Add(a, b int) int { return a + b }\n")
	write(t, dir, "p/p_test.go", `package p

import "testing"

func TestAdd(t *testing.T) {
	t.Run("zero", func(t *testing.T) {
		if Add(0, 0) != 0 {
			t.Error("wrong")
		}
	})
	t.Run("five", func(t *testing.T) {
		if got := Add(2, 3); got != 5 {
			t.Error(got)
		}
	})
}

func TestBlind(t *testing.T) { Add(1, 1) }

func TestBroken(t *testing.T) { t.Error("fails anyway") }
`)
	return &workshop{root: dir, dir: t.TempDir()}
}

// planted is a fault that gives Add another body.
func planted(t *testing.T, name, body, run string) mutation.Fault {
	t.Helper()
	f, err := mutation.Parse(name, []byte("harm: wrong sums\nnoticed: go test ./p -run '"+run+"'\n"+
		"diff --git a/p/p.go b/p/p.go\n--- a/p/p.go\n+++ b/p/p.go\n"+
		"@@ -4 +4 @@\n-func Add(a, b int) int { return a + b }\n+func Add(a, b int) int "+body+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return *f
}

// What a fault leads to is told apart: noticed, not noticed, and never tried.
func TestVerdicts(t *testing.T) {
	if testing.Short() {
		t.Skip("builds packages")
	}
	all := []mutation.Fault{
		planted(t, "noticed", "{ return a - b }", "TestAdd"),
		planted(t, "survives", "{ return a * b }", "TestBlind"),
		planted(t, "no-go", "{ return a + c }", "TestAdd"),
	}
	var log strings.Builder
	verdicts, err := plantAll(context.Background(), house(t), all, 1, &log)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"TestAdd/five", "SURVIVED", "ERROR"} {
		if got := verdicts[i].String(); got != want {
			t.Errorf("fault %s: %q, want %q", all[i].Name, got, want)
		}
	}
	err = judge(verdicts)
	if err == nil {
		t.Fatal("the whole is a success")
	}
	for _, want := range []string{"fault survives survived", "wrong sums", "go test ./p -run 'TestBlind'", "fault no-go: it does not compile", "undefined: c"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if err := judge(verdicts[:1]); err != nil {
		t.Errorf("noticed faults are an error: %v", err)
	}
}

// A test that fails in any case notices nothing, nor does one that does not run.
func TestTestsMustPassWithoutAFault(t *testing.T) {
	if testing.Short() {
		t.Skip("builds packages")
	}
	w := house(t)
	for run, want := range map[string]string{"TestBroken": "TestBroken", "TestNone": "0 tests ran"} {
		_, err := plantAll(context.Background(), w, []mutation.Fault{planted(t, "x", "{ return 0 }", run)}, 1, new(strings.Builder))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", run, err, want)
		}
	}
}

func TestWhatFailed(t *testing.T) {
	for _, tc := range []struct{ name, output, want string }{
		{"a test", "=== RUN   TestA\n--- FAIL: TestA (0.00s)\nFAIL\n", "TestA"},
		{"a subtest says more", "--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/one (0.00s)\n        --- FAIL: TestA/one/deep (0.00s)\n", "TestA/one/deep"},
		{"the first of two", "--- FAIL: TestA (0.00s)\n--- FAIL: TestB (0.00s)\n    --- FAIL: TestB/x (0.00s)\n", "TestA"},
		{"one that hangs", "panic: test timed out after 1s\n\trunning tests:\n\t\tTestA/x (1s)\n", "TestA/x (never ends)"},
		{"a panic", "panic: runtime error: index out of range\n", "panic: runtime error: index out of range"},
		{"a deadlock", "fatal error: all goroutines are asleep - deadlock!\n", "panic: all goroutines are asleep - deadlock!"},
		{"a leak", "PASS\ngoleak: Errors on successful test run\n", "goroutines that leak"},
		{"nothing that is known", "cannot execute binary file\n", ""},
	} {
		if got := whatFailed([]byte(tc.output)); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
