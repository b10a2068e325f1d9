package disk

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func openOnDisk(t *testing.T) (*Buffer, string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps open files where they are")
	}
	dir := filepath.Join(t.TempDir(), "buffer")
	b, err := Open(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	appendTo(t, b, 1, 3)
	return b, dir
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// What is stored under a path that names something else cannot be found again, and what is written there may destroy
// another buffer: so nothing is, from the next look on.
func TestReplacedDirectoryHalts(t *testing.T) {
	tests := []struct {
		name    string
		replace func(t *testing.T, dir string)
		want    string
	}{
		{"moved away", func(t *testing.T, dir string) { must(t, os.Rename(dir, dir+".old")) }, "is gone"},
		{"deleted", func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }, "is gone"},
		{"replaced by an empty one", func(t *testing.T, dir string) {
			must(t, os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700))
		}, "another directory"},
		{"replaced by a copy", func(t *testing.T, dir string) {
			must(t, os.Rename(dir, dir+".old"), os.CopyFS(dir, os.DirFS(dir+".old")))
		}, "another directory"},
		{"lock deleted", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "LOCK"))) }, "LOCK in the buffer's directory"},
		{"segment deleted", func(t *testing.T, dir string) {
			segments, err := filepath.Glob(filepath.Join(dir, "*.events"))
			must(t, err, os.Remove(segments[len(segments)-1]))
		}, "events in the buffer's directory"},
		{"segment restored from a backup", func(t *testing.T, dir string) {
			segments, err := filepath.Glob(filepath.Join(dir, "*.events"))
			must(t, err)
			name := segments[len(segments)-1]
			content, err := os.ReadFile(name)
			must(t, err, os.WriteFile(name+".new", content, 0o600), os.Rename(name+".new", name))
		}, "another file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, dir := openOnDisk(t)
			tt.replace(t, dir)
			before := listing(t, dir)
			<-b.failure.Halted // the buffer looks once a second
			_, err := b.Append(t.Context(), crashEvent("late", 100))
			replaced, ok := errors.AsType[*buffer.ReplacedError](err)
			if !errors.Is(err, buffer.ErrHalted) || !ok || replaced.Dir != dir ||
				!strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want it halted since %q", err, tt.want)
			}
			must(t, b.Close())
			if after := listing(t, dir); after != before {
				t.Errorf("under the path were\n%sand are now\n%s", before, after)
			}
		})
	}
}

// The look comes before a file is made or removed as well, not only once a second.
func TestNothingIsWrittenIntoAnotherDirectory(t *testing.T) {
	b, dir := openOnDisk(t)
	must(t, os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700))
	must(t, b.Close())
	if got := listing(t, dir); got != "" {
		t.Errorf("the other directory has now\n%s", got)
	}
}

// Somebody who deletes LOCK because "another process has it open" must not get in.
func TestDeletedLockStillLocks(t *testing.T) {
	b, dir := openOnDisk(t)
	must(t, os.Remove(filepath.Join(dir, "LOCK")))
	// A process of its own: within one, Pebble knows the path.
	second := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenedByAnotherProcess$")
	second.Env = append(os.Environ(), openHere+"="+dir)
	out, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(out), failstop.ErrLocked.Error()) {
		t.Fatalf("the second one: %v\n%s\nwant that the directory is in use", err, out)
	}
	must(t, b.Close())
	third, err := Open(t.Context(), Options{Path: dir})
	must(t, err)
	if s := third.Stats(); s.Last < 3 {
		t.Errorf("the next start finds %d events, want 3", s.Last)
	}
	must(t, third.Close())
}

// openHere names the directory that the second process opens.
const openHere = "SMARTCAR_TEST_OPEN"

// TestOpenedByAnotherProcess is the second process of TestDeletedLockStillLocks.
func TestOpenedByAnotherProcess(t *testing.T) {
	dir := os.Getenv(openHere)
	if dir == "" {
		return
	}
	b, err := Open(t.Context(), Options{Path: dir})
	must(t, err)
	must(t, b.Close())
}

// Events are personal data: only the owner reads the files, wherever the directory lies.
func TestFilesAreForTheOwner(t *testing.T) {
	b, dir := openOnDisk(t)
	must(t, os.Chmod(dir, 0o755), b.Close())
	checkOwnerOnly(t, dir)
}

// So it is with what is written when files are repaired and set aside.
func TestRepairedFilesAreForTheOwner(t *testing.T) {
	dir := t.TempDir()
	o := flawedLog(t, vfs.Default, dir, 1)
	b, err := Open(t.Context(), o)
	must(t, err)
	defer b.Close()
	aside := b.Stats().Damaged
	if len(aside) != 1 {
		t.Fatalf("set aside is %+v", aside)
	}
	_, err = b.RecoverDamaged(t.Context(), aside[0].Name, false)
	must(t, err)
	checkOwnerOnly(t, dir)
}

func checkOwnerOnly(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", d.Name(), info.Mode().Perm())
		}
		return err
	})
	must(t, err)
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var names strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "sync-probe.tmp" {
			continue // comes and goes while the disk is examined
		}
		info, err := e.Info()
		must(t, err)
		names.WriteString(e.Name() + " " + info.ModTime().String() + "\n")
	}
	return names.String()
}
