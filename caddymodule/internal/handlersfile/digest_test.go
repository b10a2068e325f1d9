package handlersfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDigest(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	digest := func() string {
		t.Helper()
		d, err := Digest([]string{dir})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	write("a.hcl", "# one")
	seen := map[string]string{digest(): "one file"}
	for _, step := range []struct {
		name string
		do   func()
		same bool
	}{
		{"nothing", func() {}, true},
		{"written again", func() { write("a.hcl", "# one") }, true},
		{"a note beside it", func() { write("a.txt", "x") }, true},
		{"another content", func() { write("a.hcl", "# two") }, false},
		{"another file", func() { write("b.hcl", "") }, false},
		{"a mistake", func() { write("b.hcl", "handler {{{") }, false},
	} {
		step.do()
		got := digest()
		before, known := seen[got]
		if known != step.same {
			t.Errorf("after %s the digest is %s, as after %q", step.name, got, before)
		}
		seen[got] = step.name
	}
	if _, err := Digest([]string{filepath.Join(dir, "nope.hcl")}); err == nil {
		t.Error("a path that does not exist has a digest")
	}
}
