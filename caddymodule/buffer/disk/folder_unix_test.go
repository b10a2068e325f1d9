//go:build !windows

package disk

import (
	"os"
	"path/filepath"
	"testing"
)

// A folder that was there before, and lets others in, is told with its mode, once, and until it is closed. One that the
// buffer makes is closed, with those above it that were missing.
func TestFolderOpenToOthers(t *testing.T) {
	for name, mode := range map[string]os.FileMode{"readable": 0o755, "of a group": 0o750, "writable": 0o777} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.Chmod(dir, mode))
			var j journal
			b, err := Open(t.Context(), Options{Path: dir, Log: j.log()})
			must(t, err)
			defer b.Close()
			b.checkFolder()
			if got := b.Stats().FolderMode; got != mode {
				t.Errorf("mode %o, want %o", got, mode)
			}
			if n := len(j.with("level=WARN", "chmod 700", dir)); n != 1 {
				t.Errorf("%d warnings:\n%s", n, j.all())
			}
			must(t, os.Chmod(dir, 0o700))
			b.checkFolder()
			if got := b.Stats().FolderMode; got != 0 {
				t.Errorf("mode %o after it was closed", got)
			}
		})
	}
	dir := filepath.Join(t.TempDir(), "var", "buffer")
	var j journal
	b, err := Open(t.Context(), Options{Path: dir, Log: j.log()})
	must(t, err)
	defer b.Close()
	if got := b.Stats().FolderMode; got != 0 || len(j.with("chmod")) > 0 {
		t.Errorf("the buffer made a folder of mode %o:\n%s", got, j.all())
	}
	if info, err := os.Stat(filepath.Dir(dir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("above it: %v, %v", info, err)
	}
}
