package drift

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestChanges(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var f Files
	handlers, token := write("handlers.hcl", "one"), write("token", "secret\n")
	f.Note(handlers, Handlers, []byte("one"))
	f.Note(token, Token, []byte("secret"))
	f.Note(token, Token, []byte("read by a second receiver"))
	for _, step := range []struct {
		name string
		do   func() error
		now  []string // handlers files
		want []Change
	}{
		{"nothing", func() error { return nil }, []string{handlers}, nil},
		{"the same again", func() error { write("token", "secret\r\n"); return nil }, []string{handlers}, nil},
		{"another token", func() error { write("token", "secreT\n"); return nil }, []string{handlers},
			[]Change{{Path: token, Role: Token, State: Changed}}},
		{"put back", func() error { write("token", "secret"); return nil }, []string{handlers}, nil},
		{"a handlers file more", func() error { return nil }, []string{handlers, "more.hcl"},
			[]Change{{Path: "more.hcl", Role: Handlers, State: New}}},
		{"gone", func() error { return os.Remove(handlers) }, nil, []Change{{Path: handlers, Role: Handlers, State: Gone}}},
		{"a folder in its place", func() error { return os.Mkdir(handlers, 0o700) }, nil,
			[]Change{{Path: handlers, Role: Handlers, State: Unreadable, Err: errNoFile}}},
	} {
		t.Run(step.name, func(t *testing.T) {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			if got := f.Changes(step.now); !slices.Equal(got, step.want) {
				t.Errorf("got %+v, want %+v", got, step.want)
			}
		})
	}
}

// Why a file cannot be read is said without its path, which stands beside it.
func TestUnreadable(t *testing.T) {
	err := withoutPath(&fs.PathError{Op: "open", Path: "/run/secrets/x", Err: fs.ErrPermission})
	if !errors.Is(err, fs.ErrPermission) || err.Error() != fs.ErrPermission.Error() {
		t.Errorf("got %v", err)
	}
}
