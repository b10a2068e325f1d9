package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence stands between the file system and what writes to it, Pebble and the log of events. Pebble panics or ends the
// process when its log or manifest cannot be written, some of it while holding locks,
// so that there is nothing left to recover; while it is being opened, it repeats a failed flush
// without end. So the fence seals the
// buffer at the first failed write and drops it and all later writes, telling Pebble that they
// worked: on disk this is a crash at that moment, and the buffer, being sealed, believes nothing
// of what Pebble says from then on. Only a write that finds the disk full may wait, see room.
type fence struct {
	vfs.FS
	seal *seal
	room *room
	// begun is set when the opening of the store may have started something that only its end would stop.
	begun   atomic.Bool
	witness *witness
}

// frozen says whether writes are dropped.
func (f *fence) frozen() bool {
	return f.seal.err() != nil
}

// caught takes the error of a write and says whether to hide it.
func (f *fence) caught(doing, path string, err error) bool {
	if err == nil {
		return false
	}
	f.seal.set(fmt.Errorf("%s %s: %w", doing, filepath.Base(path), err))
	return true
}

// do is for what is not repeated, whatever it says: a sync that failed once may well succeed the
// next time, without having kept anything.
func (f *fence) do(doing, path string, op func() error) error {
	if !f.frozen() {
		f.caught(doing, path, op())
	}
	return nil
}

// change is for what can be repeated when there is space.
func (f *fence) change(doing, path string, op func() error) error {
	return f.do(doing, path, func() error { return f.room.patiently(op) })
}

func (f *fence) open(doing, path string, op func() (vfs.File, error)) (vfs.File, error) {
	if f.frozen() {
		return lostFile{name: filepath.Base(path)}, nil
	}
	var file vfs.File
	err := f.room.patiently(func() (err error) {
		file, err = op()
		return err
	})
	if f.caught(doing, path, err) {
		return lostFile{name: filepath.Base(path)}, nil
	}
	return &fencedFile{File: file, fence: f, path: path, written: stamp{Name: filepath.Base(path)}, grows: grows(filepath.Base(path))}, nil
}

func (f *fence) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasSuffix(name, ".sst") {
		f.begun.Store(true)
	}
	return f.open("creating", name, func() (vfs.File, error) {
		file, err := f.FS.Create(name, c)
		if err != nil || !strings.HasPrefix(f.PathBase(name), manifestPrefix) {
			return file, err
		}
		if err := f.syncDir(f.PathDir(name)); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	})
}

const manifestPrefix = "MANIFEST-"

// syncDir makes the entry of a new manifest durable. Pebble syncs the directory once
// for the manifest and for the marker that names it; on a file system which may
// keep the later entry of the two and lose the earlier, a crash between would leave a
// store that cannot be opened.
func (f *fence) syncDir(dir string) error {
	d, err := f.FS.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *fence) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.open("opening", name, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, opts...) })
}

func (f *fence) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.witness.removed(filepath.Base(oldname))
	return f.open("reusing", newname, func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, c) })
}

// OpenDir is fenced because a directory is synced through its file.
func (f *fence) OpenDir(name string) (vfs.File, error) {
	return f.open("opening", name, func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

// List seals when it fails after a flush, or when the options are written. The opening of a store ends with it, while
// compactions may be at work already; were it to fail, Pebble would take from them what they work with, and the process would
// die of that, or leave a goroutine behind. Without a list it only leaves files that nobody needs.
func (f *fence) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	if f.begun.Load() && f.caught("listing", dir, err) {
		return nil, nil
	}
	return names, err
}

func (f *fence) Link(oldname, newname string) error {
	return f.change("linking", newname, func() error { return f.FS.Link(oldname, newname) })
}

func (f *fence) Rename(oldname, newname string) error {
	if strings.HasPrefix(f.PathBase(newname), "OPTIONS-") {
		f.begun.Store(true)
	}
	return f.change("renaming", newname, func() error { return f.FS.Rename(oldname, newname) })
}

// MkdirAll keeps others out: events are personal data.
func (f *fence) MkdirAll(dir string, perm os.FileMode) error {
	return f.change("making", dir, func() error { return f.FS.MkdirAll(dir, perm&0o700) })
}

// Remove failing harms nothing, but after the freeze no file may go.
func (f *fence) Remove(name string) error {
	if f.frozen() {
		return nil
	}
	f.witness.removed(filepath.Base(name))
	return f.FS.Remove(name)
}

func (f *fence) RemoveAll(name string) error {
	if f.frozen() {
		return nil
	}
	return f.FS.RemoveAll(name)
}

func (f *fence) Unwrap() vfs.FS { return f.FS }

// fencedFile is a file that was opened for writing, or a directory.
type fencedFile struct {
	vfs.File
	fence *fence
	path  string
	// written is what was written so far of a file that only grows.
	written stamp
	grows   bool
}

// synced has the witness know what is on the disk now.
func (w *fencedFile) synced() {
	if w.grows && !w.fence.frozen() {
		w.fence.witness.synced(w.written)
	}
}

func (w *fencedFile) Write(p []byte) (int, error) {
	if w.fence.frozen() {
		return len(p), nil
	}
	grown := w.written
	if w.grows {
		// Before it is written: a file system may do with p what it wants.
		grown.Size += int64(len(p))
		grown.Sum = extendChecksum(grown.Sum, p)
	}
	rest := p
	err := w.fence.room.patiently(func() error {
		n, err := w.File.Write(rest)
		rest = rest[n:]
		return err
	})
	if !w.fence.caught("writing", w.path, err) {
		w.written = grown
	}
	return len(p), nil
}

func (w *fencedFile) WriteAt(p []byte, off int64) (int, error) {
	return len(p), w.fence.change("writing", w.path, func() error {
		_, err := w.File.WriteAt(p, off)
		return err
	})
}

func (w *fencedFile) Sync() error {
	_ = w.fence.do("syncing", w.path, w.File.Sync)
	w.synced()
	return nil
}

func (w *fencedFile) SyncData() error {
	_ = w.fence.do("syncing", w.path, w.File.SyncData)
	w.synced()
	return nil
}

func (w *fencedFile) SyncTo(length int64) (full bool, err error) {
	err = w.fence.do("syncing", w.path, func() (err error) {
		full, err = w.File.SyncTo(length)
		return err
	})
	if full {
		w.synced()
	}
	return full, err
}

// Close always closes: a frozen file must not leak.
func (w *fencedFile) Close() error {
	w.fence.caught("closing", w.path, w.File.Close())
	return nil
}

// lostFile stands for a file that a sealed buffer no longer writes.
type lostFile struct{ name string }

func (lostFile) Close() error                           { return nil }
func (lostFile) Read([]byte) (int, error)               { return 0, io.EOF }
func (lostFile) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (lostFile) Write(p []byte) (int, error)            { return len(p), nil }
func (lostFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (lostFile) Preallocate(int64, int64) error         { return nil }
func (lostFile) Sync() error                            { return nil }
func (lostFile) SyncTo(int64) (bool, error)             { return false, nil }
func (lostFile) SyncData() error                        { return nil }
func (lostFile) Prefetch(int64, int64) error            { return nil }
func (lostFile) Fd() uintptr                            { return vfs.InvalidFd }
func (f lostFile) Stat() (vfs.FileInfo, error)          { return lostInfo(f), nil }

type lostInfo struct{ name string }

func (i lostInfo) Name() string         { return i.name }
func (lostInfo) Size() int64            { return 0 }
func (lostInfo) Mode() os.FileMode      { return 0o600 }
func (lostInfo) ModTime() time.Time     { return time.Time{} }
func (lostInfo) IsDir() bool            { return false }
func (lostInfo) Sys() any               { return nil }
func (lostInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
