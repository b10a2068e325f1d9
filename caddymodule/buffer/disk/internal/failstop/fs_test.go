package failstop

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// dir is where the store is.
const dir = "store"

// open wraps a file system as the engine does. Operations of a kind fail once fail is set.
func open(t *testing.T, mem *vfs.MemFS, kind errorfs.OpKind, err error) (f *FS, fail *atomic.Bool) {
	t.Helper()
	fail = new(atomic.Bool)
	f = New(Options{
		FS: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if fail.Load() && op.Kind == kind {
				return err
			}
			return nil
		})),
		Path: dir, Log: slog.New(slog.DiscardHandler), Closing: make(chan struct{}),
	})
	t.Cleanup(f.Release)
	return f, fail
}

func content(t *testing.T, mem *vfs.MemFS, name string) string {
	t.Helper()
	file, err := mem.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// After the first failure nothing reaches the disk, and whoever writes is told that all went well.
func TestFirstFailureHalts(t *testing.T) {
	for _, test := range []struct {
		name string
		kind errorfs.OpKind
		err  error
		full bool
	}{
		{"write", errorfs.OpFileWrite, syscall.EIO, false},
		{"sync", errorfs.OpFileSync, syscall.EIO, false},
		{"sync without space", errorfs.OpFileSync, syscall.ENOSPC, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			mem := vfs.NewMem()
			f, fail := open(t, mem, test.kind, test.err)
			file, err := f.Create("a", vfs.WriteCategoryUnspecified)
			if err != nil {
				t.Fatal(err)
			}
			write := func(text string) {
				t.Helper()
				if n, err := file.Write([]byte(text)); n != len(text) || err != nil {
					t.Errorf("writing %q: %d, %v", text, n, err)
				}
				if err := file.Sync(); err != nil {
					t.Error(err)
				}
			}
			write("before")
			if err := f.Failure.Err(); err != nil {
				t.Fatal(err)
			}
			fail.Store(true)
			write("1")
			fail.Store(false)
			had := content(t, mem, "a")
			write("2")

			if err := f.Failure.Err(); !errors.Is(err, buffer.ErrHalted) || !errors.Is(err, test.err) ||
				errors.Is(err, buffer.ErrFull) != test.full {
				t.Errorf("got %v, want ErrHalted with %v", err, test.err)
			}
			if err := f.Failure.OpenError(); !errors.Is(err, test.err) || errors.Is(err, buffer.ErrHalted) {
				t.Errorf("opening fails with %v, want %v", err, test.err)
			}
			if _, err := f.Create("b", vfs.WriteCategoryUnspecified); err != nil {
				t.Error(err)
			}
			if err := errors.Join(f.Remove("a"), f.Rename("a", "c"), file.Close()); err != nil {
				t.Error(err)
			}
			if got := content(t, mem, "a"); got != had {
				t.Errorf("the file has %q after the failure, want %q", got, had)
			}
			if _, err := mem.Stat("b"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file was created after the failure: %v", err)
			}
		})
	}
}

// A write that finds the disk full before the store is open is an error of opening.
func TestFullDiskBeforeOpened(t *testing.T) {
	f, fail := open(t, vfs.NewMem(), errorfs.OpCreate, syscall.ENOSPC)
	fail.Store(true)
	if _, err := f.Create("a", vfs.WriteCategoryUnspecified); err != nil {
		t.Fatal(err)
	}
	if err := f.Failure.OpenError(); !errors.Is(err, buffer.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ErrFull with its cause", err)
	}
}
