package failstop

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// renamingFS fails to open a file that it has renamed already, as the real one does when
// there is no descriptor.
type renamingFS struct {
	vfs.FS
	failures int
}

func (r *renamingFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if r.failures > 0 {
		r.failures--
		if err := r.Rename(oldname, newname); err != nil {
			return nil, err
		}
		return nil, &os.PathError{Op: "open", Path: newname, Err: syscall.EMFILE}
	}
	return r.FS.ReuseForWrite(oldname, newname, c)
}

func TestReuseAfterAShortage(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newDescriptorFS(&renamingFS{FS: vfs.Default, failures: 1}, nil, nil)
	p.armed.Store(true)
	defer p.release()
	file, err := p.ReuseForWrite(from, to, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(from); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old file: %v", err)
	}
	if content, err := os.ReadFile(to); err != nil || len(content) > 0 {
		t.Errorf("the new file holds %q, %v", content, err)
	}
	if len(p.reserve) != ReservedFiles {
		t.Errorf("%d spare descriptors, want %d", len(p.reserve), ReservedFiles)
	}
}
