package main

import (
	"context"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Whoever changes a line in which a fault can be planted hears of it at once: change the
// fault with it, or take it out if it cannot be made any more.
func TestFaultsFitTheProduct(t *testing.T) {
	dir := root(t)
	if err := checkFaults(dir, faults); err != nil {
		t.Fatal(err)
	}
	if len(faults) < 25 {
		t.Errorf("only %d faults", len(faults))
	}
	quick := choose(faults, regexp.MustCompile(""), true)
	if n := len(quick); n < 10 || n == len(faults) {
		t.Errorf("-short has %d of %d faults", n, len(faults))
	}
	for i := range faults {
		f := &faults[i]
		source, err := f.plant(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), f.file, source, 0); err != nil {
			t.Errorf("fault %s makes no Go of it: %v", f.name, err)
		}
	}
}

func TestListThatDoesNotFitIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "p/p.go", "package p\n\nfunc one() int { return 1 }\nfunc also() int { return 1 }\n")
	write(t, dir, "p/p_test.go", "package p\n\nfunc TestOne(t *testing.T) {}\n")
	sound := fault{
		name: "sound", harm: "much", file: "p/p.go",
		edits: []edit{{"one() int { return 1", "one() int { return 2"}}, noticed: []test{{"p", "TestOne"}},
	}
	for _, tc := range []struct {
		name   string
		change func(*fault)
		want   string
	}{
		{"sound", func(*fault) {}, ""},
		{"a text that is not there", func(f *fault) { f.edits = []edit{{"two()", "three()"}} }, "0 times"},
		{"a text that is there twice", func(f *fault) { f.edits = []edit{{"return 1", "return 2"}} }, "2 times"},
		{"no change", func(f *fault) { f.edits = []edit{{"one()", "one()"}} }, "changes nothing"},
		{"a file that is not there", func(f *fault) { f.file = "p/q.go" }, "q.go"},
		{"a test that is not there", func(f *fault) { f.noticed = []test{{"p", "TestOne|TestTwo"}} }, `no test "TestTwo"`},
		{"no test", func(f *fault) { f.noticed = nil }, "a test are needed"},
		{"no harm", func(f *fault) { f.harm = "" }, "what it would do"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := sound
			tc.change(&f)
			err := checkFaults(dir, []fault{f})
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
	if err := checkFaults(dir, []fault{sound, sound}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the same name twice: %v", err)
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

// One fault of the real list, in a package that takes a moment to build.
func TestARealFaultIsNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a package")
	}
	var log strings.Builder
	w := &workshop{root: root(t), dir: t.TempDir()}
	verdicts, err := plantAll(context.Background(), w, choose(faults, regexp.MustCompile("^signature-prefix$"), false), 1, &log)
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != 1 || judge(verdicts) != nil || !strings.Contains(verdicts[0].String(), "TestVerify/last_bit") {
		t.Errorf("%+v\n%s", verdicts, &log)
	}
}
