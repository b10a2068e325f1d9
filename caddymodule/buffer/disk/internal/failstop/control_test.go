package failstop

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

const (
	manifest = "MANIFEST-000007"
	marker   = "marker.manifest.000001.MANIFEST-000007"
	segment  = "000001.events"
)

// newDir is a disk with the directory of a store, which open uses.
func newDir(t *testing.T) *vfs.MemFS {
	t.Helper()
	mem := vfs.NewMem()
	if err := mem.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return mem
}

func put(t *testing.T, fsys vfs.FS, name, text string) {
	t.Helper()
	file, err := fsys.Create(fsys.PathJoin(dir, name), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// A store that has less than the control file says does not open.
func TestControlFile(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(t *testing.T, mem *vfs.MemFS)
		damaged bool
	}{
		{"nothing happened", func(*testing.T, *vfs.MemFS) {}, false},
		{"the manifest has grown", func(t *testing.T, mem *vfs.MemFS) { put(t, mem, manifest, "manifest and more") }, false},
		{"the manifest is cut", func(t *testing.T, mem *vfs.MemFS) { put(t, mem, manifest, "manif") }, true},
		{"the manifest differs", func(t *testing.T, mem *vfs.MemFS) { put(t, mem, manifest, "manifesT") }, true},
		{"the manifest is missing", func(t *testing.T, mem *vfs.MemFS) { remove(t, mem, manifest) }, true},
		{"the marker is missing", func(t *testing.T, mem *vfs.MemFS) { remove(t, mem, marker) }, true},
		{"a segment is cut", func(t *testing.T, mem *vfs.MemFS) { put(t, mem, segment, "eve") }, true},
		{"a segment is missing", func(t *testing.T, mem *vfs.MemFS) { remove(t, mem, segment) }, true},
		{"the control file is damaged", func(t *testing.T, mem *vfs.MemFS) { put(t, mem, controlFile, "{}....") }, false},
		{"the control file is missing", func(t *testing.T, mem *vfs.MemFS) { remove(t, mem, controlFile) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			mem := newDir(t)
			before, _ := open(t, mem, errorfs.OpFileWrite, nil)
			put(t, before, manifest, "manifest")
			put(t, before, segment, "events")
			put(t, mem, marker, "")
			if err := before.WriteControl(5, true); err != nil {
				t.Fatal(err)
			}
			test.change(t, mem)

			after, _ := open(t, mem, errorfs.OpFileWrite, nil)
			lock, err := after.Lock(mem.PathJoin(dir, "LOCK"))
			if errors.Is(err, format.ErrDamaged) != test.damaged || (err == nil) == test.damaged {
				t.Fatalf("got %v, want damage: %v", err, test.damaged)
			}
			if err == nil {
				if err := lock.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func remove(t *testing.T, mem *vfs.MemFS, name string) {
	t.Helper()
	if err := mem.Remove(mem.PathJoin(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestControlFileKnowsThePosition(t *testing.T) {
	mem := newDir(t)
	before, _ := open(t, mem, errorfs.OpFileWrite, nil)
	put(t, before, manifest, "manifest")
	put(t, mem, marker, "")
	if !before.ControlOutdated() {
		t.Error("the manifest is new, and the control file is not outdated")
	}
	if err := before.WriteControl(5, false); err != nil {
		t.Fatal(err)
	}
	if before.ControlOutdated() {
		t.Error("the control file is outdated just after it was written")
	}
	after, _ := open(t, mem, errorfs.OpFileWrite, nil)
	lock, err := after.Lock(mem.PathJoin(dir, "LOCK"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for next, short := range map[uint64]bool{4: true, 5: false, 6: false} {
		if err := after.CheckPosition(next); errors.Is(err, format.ErrDamaged) != short {
			t.Errorf("position %d: got %v", next, err)
		}
	}
}

// A segment whose changes are on the disk elsewhere need not be there.
func TestControlFileForgetsAppliedSegments(t *testing.T) {
	mem := newDir(t)
	before, _ := open(t, mem, errorfs.OpFileWrite, nil)
	put(t, before, manifest, "manifest")
	put(t, before, segment, "events")
	put(t, mem, marker, "")
	before.Applied(segment)
	if err := before.WriteControl(5, true); err != nil {
		t.Fatal(err)
	}
	remove(t, mem, segment)
	after, _ := open(t, mem, errorfs.OpFileWrite, nil)
	lock, err := after.Lock(mem.PathJoin(dir, "LOCK"))
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}
