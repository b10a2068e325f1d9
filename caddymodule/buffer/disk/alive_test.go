package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

var aliveAt = time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)

func openDir(t *testing.T, dir string) *Buffer {
	t.Helper()
	b, err := Open(context.Background(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// The note is found with the buffer open or not, and is for its owner only.
func TestAliveNote(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "buffer")
	if at, err := LastAlive(nil, dir); err != nil || !at.IsZero() {
		t.Fatalf("%v, %v before there is a directory", at, err)
	}
	b := openDir(t, dir)
	if at, err := LastAlive(nil, dir); err != nil || !at.IsZero() {
		t.Fatalf("%v, %v before the first note", at, err)
	}
	for _, at := range []time.Time{aliveAt, aliveAt.Add(5 * time.Second)} {
		if err := b.NoteAlive(at); err != nil {
			t.Fatal(err)
		}
		if got, err := LastAlive(nil, dir); err != nil || !got.Equal(at) {
			t.Fatalf("%v, %v, want %v", got, err, at)
		}
	}
	info, err := os.Stat(filepath.Join(dir, aliveFile))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if err := b.NoteAlive(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := LastAlive(nil, dir); !errors.Is(err, errClockNotBelieved) {
		t.Errorf("%v, with a clock that is not believed", err)
	}
}

// Another process may have the directory, or nothing may be taken any more: then there is no note that says otherwise.
func TestNoAliveNote(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(b *Buffer)
		want error
	}{
		"closed": {func(b *Buffer) { _ = b.Close() }, buffer.ErrClosed},
		"halted": {func(b *Buffer) { b.failure.Halt(errors.New("by the test")) }, buffer.ErrHalted},
		"moved": {func(b *Buffer) {
			if err := os.Rename(b.opts.Path, b.opts.Path+"-moved"); err != nil {
				panic(err)
			}
			if err := os.Mkdir(b.opts.Path, 0o700); err != nil {
				panic(err)
			}
		}, buffer.ErrHalted},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "moved" && runtime.GOOS == "windows" {
				t.Skip("an open directory cannot be moved there")
			}
			b := openDir(t, filepath.Join(t.TempDir(), "buffer"))
			tc.end(b)
			if err := b.NoteAlive(aliveAt); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
			if at, err := LastAlive(nil, b.opts.Path); err != nil || !at.IsZero() {
				t.Errorf("there is a note: %v, %v", at, err)
			}
		})
	}
}

// A note that cannot be written leaves the one before, and the buffer as usable.
func TestAliveNoteThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "buffer")
	b := openDir(t, dir)
	if err := b.NoteAlive(aliveAt); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, aliveNewFile, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.NoteAlive(aliveAt.Add(time.Second)); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	if got, err := LastAlive(nil, dir); err != nil || !got.Equal(aliveAt) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := b.Append(context.Background(), &buffer.Event{Source: "a", ID: "1", Body: []byte("{}")}); err != nil {
		t.Error(err)
	}
}

func TestDamagedAliveNote(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "torn": `{"alive_at":17`, "without a checksum": `{"alive_at":1772366400000000000}`,
		"no JSON": string(format.AppendChecksum([]byte("{"))),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, aliveFile), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if at, err := LastAlive(nil, dir); !errors.Is(err, format.ErrDamaged) || !at.IsZero() {
				t.Errorf("%v, %v", at, err)
			}
		})
	}
}
