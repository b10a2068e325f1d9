package mutation

import (
	"os"
	"strings"
	"testing"
)

// A patch says at which line its hunks are, which changes with every line above them.
func TestPlant(t *testing.T) {
	const (
		above = "package p\n\nvar a = 1\n\n"
		lines = "func f() int {\n\treturn a\n}\n"
		below = "\nvar b = 2\n"
		first = "@@ -3,1 +3,1 @@\n-var a = 1\n+var a = 2\n"
		next  = "@@ -5,3 +5,4 @@\n func f() int {\n-\treturn a\n+\ta++\n+\treturn a\n }\n"
	)
	for _, tc := range []struct{ name, source, hunks, want, wrong string }{
		{"in its place", above + lines + below, next, above + "func f() int {\n\ta++\n\treturn a\n}\n" + below, ""},
		{"further down", above + "var c = 3\n\n" + lines, next, above + "var c = 3\n\nfunc f() int {\n\ta++\n\treturn a\n}\n", ""},
		{"further up", lines, next, "func f() int {\n\ta++\n\treturn a\n}\n", ""},
		{"two hunks", above + "\n" + lines, first + next, strings.Replace(above, "1", "2", 1) + "\nfunc f() int {\n\ta++\n\treturn a\n}\n", ""},
		{"in no place", above + below, next, "", "in 0 places"},
		{"in two places", lines + lines, next, "", "in 2 places"},
		{"line ends of Windows", strings.ReplaceAll(lines, "\n", "\r\n"), next, "func f() int {\n\ta++\n\treturn a\n}\n", ""},
		{"nothing to go by", above, "@@ -3,0 +3,1 @@\n+var d = 4\n", "", "not in one"},
		{"twice the same", lines, next + next, "", "overlap"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "p/p.go", tc.source)
			f, err := Parse("x", []byte(header+paths+tc.hunks))
			if err != nil {
				t.Fatal(err)
			}
			planted, err := f.Plant(dir)
			wantError(t, err, tc.wrong)
			if got := string(planted["p/p.go"]); err == nil && got != tc.want {
				t.Errorf("planted:\n%s\nwant:\n%s", got, tc.want)
			}
		})
	}
}

// A fault may take more than one file.
func TestPlantInTwoFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "p/p.go", "package p\n")
	write(t, dir, "q/q.go", "package q\n")
	const change = "@@ -1 +1 @@\n-package p\n+package x\n"
	f, err := Parse("x", []byte(header+paths+change+strings.ReplaceAll(paths, "p/p.go", "q/q.go")+strings.ReplaceAll(change, "package p", "package q")))
	if err != nil {
		t.Fatal(err)
	}
	planted, err := f.Plant(dir)
	if err != nil || len(planted) != 2 || string(planted["q/q.go"]) != "package x\n" {
		t.Errorf("%q, %v", planted, err)
	}
	overlay, err := f.Overlay(dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(overlay)
	if err != nil || strings.Count(string(text), ".go") != 4 {
		t.Errorf("%s, %v", text, err)
	}
}
