package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// secret stands for a vehicle's id in a key.
const secret = "vehicle-4711"

// key is an argument as Pebble has them for its messages: text is made of it late.
type key string

func (k key) Format(f fmt.State, _ rune) { fmt.Fprint(f, string(k)) }

func TestErrorsHoldNoKeys(t *testing.T) {
	corrupt := func(text string) error { return fmt.Errorf("%w: %s", pebble.ErrCorruption, text) }
	for _, tt := range []struct {
		err  error
		want string
	}{
		{corrupt("L6 files 000004.sst and 000007.sst have overlapping ranges: " + secret), "the store is damaged, in 000004.sst, 000007.sst"},
		{corrupt("no file"), "the store is damaged"},
		{errors.Join(corrupt(secret), corrupt("MANIFEST-000001")), "the store is damaged, in MANIFEST-000001"},
		{fmt.Errorf("key %s: %w", secret, pebble.ErrClosed), "the store is closed"},
		{&fs.PathError{Op: "open", Path: "/x/" + secret + "/000004.sst", Err: syscall.ENOENT}, "the store: a file is missing, in 000004.sst"},
		{fmt.Errorf("%s: %w", secret, &os.PathError{Op: "read", Path: "000004.sst", Err: syscall.EIO}), "the store: input/output error, in 000004.sst"},
		{fmt.Errorf("%s: %w", secret, io.ErrUnexpectedEOF), "the store: a file ends too early"},
		{errors.New(secret + " in marker.manifest.000002.MANIFEST-000009"), "the store cannot go on, in marker.manifest.000002.MANIFEST-000009"},
	} {
		err := clean(tt.err)
		if err.Error() != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%v: got %q, is it: %t; want %q", tt.err, err, errors.Is(err, tt.err), tt.want)
		}
	}
	if err := Panicked(key(secret + " of 000004.sst")); err.Error() != "the store has panicked, in 000004.sst" {
		t.Errorf("a panic: %v", err)
	}
	if clean(nil) != nil || !errors.Is(clean(pebble.ErrNotFound), pebble.ErrNotFound) {
		t.Error("no error, or nothing found, is an error")
	}
}

func TestMessagesHoldNoKeys(t *testing.T) {
	for _, tt := range []struct {
		format string
		args   []any
		want   string
	}{
		{"lower bound violation: %s < %s\n%s", []any{key(secret), []byte(secret), "stack"}, "lower bound violation: … < …"},
		{"prefix violation: key %q", []any{secret}, `prefix violation: key "…"`},
		{"checker failed with error: %s", []any{errors.New(secret)}, "checker failed with error: the store cannot go on"},
		{"L%d->L%d: %s already", []any{0, 6, "000004.sst " + secret}, "L0->L6: …, in 000004.sst already"},
		{"MANIFEST not locked for writing", nil, "MANIFEST not locked for writing"},
		{"%v", []any{nil}, "…"},
	} {
		if got := Message(tt.format, tt.args...); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.format, got, tt.want)
		}
	}
}

// Whatever of a store's files is damaged, no error holds a key.
func TestDamagedFilesNameNoKeys(t *testing.T) {
	failed := 0
	for at := 0; ; at += 61 {
		mem := vfs.NewMem()
		size := writeStore(t, mem)
		if at >= size {
			break
		}
		if err := readStore(mem, at); err != nil {
			failed++
			if strings.Contains(err.Error(), secret) {
				t.Errorf("byte %d: %v", at, err)
			}
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed, so nothing is shown")
	}
}

// writeStore returns the size of the newest table and the manifest together.
func writeStore(t *testing.T, mem *vfs.MemFS) (size int) {
	t.Helper()
	db, err := Open("db", options(mem))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if err := db.Set(fmt.Appendf(nil, "%s-%d", secret, i), []byte(secret), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range storeFiles(t, mem) {
		info, err := mem.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size += int(info.Size())
	}
	return size
}

func storeFiles(t *testing.T, mem *vfs.MemFS) (paths []string) {
	names, err := mem.List("db")
	if err != nil && t != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") || strings.HasPrefix(name, "MANIFEST-") {
			paths = append(paths, mem.PathJoin("db", name))
		}
	}
	return paths
}

// readStore damages one byte and reads all.
func readStore(mem *vfs.MemFS, at int) error {
	for _, path := range storeFiles(nil, mem) {
		info, err := mem.Stat(path)
		if err != nil {
			return err
		}
		if at >= int(info.Size()) {
			at -= int(info.Size())
			continue
		}
		f, err := mem.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		var b [1]byte
		_, err = f.ReadAt(b[:], int64(at))
		b[0] ^= 1 << (at % 8)
		_, written := f.WriteAt(b[:], int64(at))
		if err := errors.Join(err, written, f.Close()); err != nil {
			return err
		}
		break
	}
	db, err := Open("db", options(mem))
	if err != nil {
		return err
	}
	it, err := db.NewIter(nil)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	for ok := it.First(); ok; ok = it.Next() {
		continue
	}
	return errors.Join(it.Error(), it.Close(), db.Close())
}

func options(mem *vfs.MemFS) *pebble.Options {
	o := &pebble.Options{FS: mem, Logger: quiet{}, DisableAutomaticCompactions: true, DisableWAL: true}
	o.EventListener = &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}
	return o
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}
