package mutation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	header = "harm: much\nnoticed: go test ./p -run 'TestOne'\n\n"
	paths  = "diff --git a/p/p.go b/p/p.go\n--- a/p/p.go\n+++ b/p/p.go\n"
	hunk   = "@@ -3,2 +3,2 @@\n-func one() int { return 1 }\n+func one() int { return 2 }\n func two() int { return 2 }\n"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"intact", header + paths + hunk, ""},
		{"as git diff writes it", header + strings.Replace(paths, "---", "index 1234567..89abcde 100644\n---", 1) + hunk, ""},
		{"line ends of Windows", strings.ReplaceAll(header+paths+hunk, "\n", "\r\n"), ""},
		{"quick", "quick: true\n" + header + paths + hunk, ""},
		{"an unknown key", "slow: true\n" + header + paths + hunk, `"slow: true": a header has`},
		{"two harms", "harm: little\n" + header + paths + hunk, "a header has one harm"},
		{"no harm", "noticed: go test ./p -run 'TestOne'\n" + paths + hunk, `needs "harm: …"`},
		{"no test", "harm: much\n" + paths + hunk, `needs "harm: …"`},
		{"another command", "harm: much\nnoticed: make test\n" + paths + hunk, "want go test"},
		{"no diff", header, "no diff"},
		{"a new file", header + "diff --git a/p/q.go b/p/q.go\nnew file mode 100644\n--- /dev/null\n+++ b/p/q.go\n@@ -0,0 +1 @@\n+package p\n", "can only change lines"},
		{"wrong counts", header + paths + strings.Replace(hunk, "-3,2", "-3,9", 1), "fragment"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := Parse("x", []byte(tc.text))
			wantError(t, err, tc.want)
			if err == nil && (f.Name != "x" || f.Harm != "much" || f.Noticed[0] != Test{"p", "TestOne"} || f.Files()[0] != "p/p.go") {
				t.Errorf("%+v", f)
			}
			if err == nil && f.Quick != (tc.name == "quick") {
				t.Errorf("quick is %v", f.Quick)
			}
		})
	}
}

func TestReadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a/good.patch", header+paths+hunk)
	write(t, dir, "a/wrong.patch", paths+hunk)
	all, err := Read(dir)
	wantError(t, err, filepath.Join("a", "wrong.patch"))
	if len(all) != 1 || all[0].Name != "good" {
		t.Errorf("%+v", all)
	}
	_, err = Read(filepath.Join(dir, "none"))
	wantError(t, err, "none")
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "p/p.go", "package p\n\nfunc one() int { return 1 }\nfunc two() int { return 2 }\n")
	write(t, dir, "p/p_test.go", "package p\n\nfunc TestOne(t *testing.T) {}\n")
	intact := header + paths + hunk
	for _, tc := range []struct{ name, text, want string }{
		{"intact", intact, ""},
		{"a hunk that fits nowhere", strings.Replace(intact, " func two", " func three", 1), "fault x: p/p.go: the hunk at line 3 fits in 0 places"},
		{"no change", strings.Replace(intact, "+func one() int { return 2", "+func one() int { return 1", 1), "changes nothing"},
		{"a file that is not there", strings.ReplaceAll(intact, "/p.go", "/q.go"), "q.go"},
		{"no Go", strings.Replace(intact, "+func one()", "+func one(", 1), "fault x: the patched file is not Go"},
		{"a test that is not there", strings.Replace(intact, "'TestOne'", "'TestOne|TestTwo'", 1), `no test "TestTwo"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, err := Parse("x", []byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, Check(dir, []Fault{*f}), tc.want)
			if tc.want == "" {
				wantError(t, Check(dir, []Fault{*f, *f}), "twice")
			}
		})
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
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
