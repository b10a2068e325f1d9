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

// failstopFS stands between the file system and what writes to it, Pebble and the log of events. Pebble panics or ends the
// process when its log or manifest cannot be written, some of it while holding locks,
// so that there is nothing left to recover; while it is being opened, it repeats a failed flush
// without end. So the failstopFS halts the
// buffer at the first failed write and drops it and all later writes, telling Pebble that they
// worked: on disk this is a crash at that moment, and the buffer, being halted, believes nothing
// of what Pebble says from then on. Only a write that finds the disk full may wait, see diskFull.
type failstopFS struct {
	vfs.FS
	failure  *failure
	diskFull *diskFull
	// begun is set when the opening of the store may have started something that only its end would stop.
	begun   atomic.Bool
	control *control
}

// frozen reports whether writes are dropped.
func (f *failstopFS) halted() bool {
	return f.failure.err() != nil
}

// caught takes the error of a write and reports whether to hide it.
func (f *failstopFS) hide(doing, path string, err error) bool {
	if err == nil {
		return false
	}
	f.failure.halt(fmt.Errorf("%s %s: %w", doing, filepath.Base(path), err))
	return true
}

// do is for what is not repeated, whatever it says: a sync that failed once may well succeed the
// next time, without having kept anything.
func (f *failstopFS) do(doing, path string, op func() error) error {
	if !f.halted() {
		f.hide(doing, path, op())
	}
	return nil
}

// change is for what can be repeated when there is space.
func (f *failstopFS) change(doing, path string, op func() error) error {
	return f.do(doing, path, func() error { return f.diskFull.retryOnFull(op) })
}

func (f *failstopFS) open(doing, path string, op func() (vfs.File, error)) (vfs.File, error) {
	if f.halted() {
		return droppedFile{name: filepath.Base(path)}, nil
	}
	var file vfs.File
	err := f.diskFull.retryOnFull(func() (err error) {
		file, err = op()
		return err
	})
	if f.hide(doing, path, err) {
		return droppedFile{name: filepath.Base(path)}, nil
	}
	return &failstopFile{File: file, fs: f, path: path, synced: stamp{Name: filepath.Base(path)}, grows: grows(filepath.Base(path))}, nil
}

func (f *failstopFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
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
func (f *failstopFS) syncDir(dir string) error {
	d, err := f.FS.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *failstopFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.open("opening", name, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, opts...) })
}

func (f *failstopFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.control.removed(filepath.Base(oldname))
	return f.open("reusing", newname, func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, c) })
}

// OpenDir is wrapped because a directory is synced through its file.
func (f *failstopFS) OpenDir(name string) (vfs.File, error) {
	return f.open("opening", name, func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

// List halts when it fails after a flush, or when the options are written. The opening of a store ends with it, while
// compactions may be at work already; were it to fail, Pebble would take from them what they work with, and the process would
// die of that, or leave a goroutine behind. Without a list it only leaves files that nobody needs.
func (f *failstopFS) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	if f.begun.Load() && f.hide("listing", dir, err) {
		return nil, nil
	}
	return names, err
}

func (f *failstopFS) Link(oldname, newname string) error {
	return f.change("linking", newname, func() error { return f.FS.Link(oldname, newname) })
}

func (f *failstopFS) Rename(oldname, newname string) error {
	if strings.HasPrefix(f.PathBase(newname), "OPTIONS-") {
		f.begun.Store(true)
	}
	return f.change("renaming", newname, func() error { return f.FS.Rename(oldname, newname) })
}

// MkdirAll keeps others out: events are personal data.
func (f *failstopFS) MkdirAll(dir string, perm os.FileMode) error {
	return f.change("making", dir, func() error { return f.FS.MkdirAll(dir, perm&0o700) })
}

// Remove failing harms nothing, but after the freeze no file may go.
func (f *failstopFS) Remove(name string) error {
	if f.halted() {
		return nil
	}
	f.control.removed(filepath.Base(name))
	return f.FS.Remove(name)
}

func (f *failstopFS) RemoveAll(name string) error {
	if f.halted() {
		return nil
	}
	return f.FS.RemoveAll(name)
}

func (f *failstopFS) Unwrap() vfs.FS { return f.FS }

// failstopFile is a file that was opened for writing, or a directory.
type failstopFile struct {
	vfs.File
	fs   *failstopFS
	path string
	// written is what was written so far of a file that only grows.
	synced stamp
	grows  bool
}

// synced has the control file know what is on the disk now.
func (w *failstopFile) noteSynced() {
	if w.grows && !w.fs.halted() {
		w.fs.control.synced(w.synced)
	}
}

func (w *failstopFile) Write(p []byte) (int, error) {
	if w.fs.halted() {
		return len(p), nil
	}
	grown := w.synced
	if w.grows {
		// Before it is written: a file system may do with p what it wants.
		grown.Size += int64(len(p))
		grown.Sum = extendChecksum(grown.Sum, p)
	}
	rest := p
	err := w.fs.diskFull.retryOnFull(func() error {
		n, err := w.File.Write(rest)
		rest = rest[n:]
		return err
	})
	if !w.fs.hide("writing", w.path, err) {
		w.synced = grown
	}
	return len(p), nil
}

func (w *failstopFile) WriteAt(p []byte, off int64) (int, error) {
	return len(p), w.fs.change("writing", w.path, func() error {
		_, err := w.File.WriteAt(p, off)
		return err
	})
}

func (w *failstopFile) Sync() error {
	_ = w.fs.do("syncing", w.path, w.File.Sync)
	w.noteSynced()
	return nil
}

func (w *failstopFile) SyncData() error {
	_ = w.fs.do("syncing", w.path, w.File.SyncData)
	w.noteSynced()
	return nil
}

func (w *failstopFile) SyncTo(length int64) (full bool, err error) {
	err = w.fs.do("syncing", w.path, func() (err error) {
		full, err = w.File.SyncTo(length)
		return err
	})
	if full {
		w.noteSynced()
	}
	return full, err
}

// Close always closes: a frozen file must not leak.
func (w *failstopFile) Close() error {
	w.fs.hide("closing", w.path, w.File.Close())
	return nil
}

// droppedFile stands for a file that a halted buffer no longer writes.
type droppedFile struct{ name string }

func (droppedFile) Close() error                           { return nil }
func (droppedFile) Read([]byte) (int, error)               { return 0, io.EOF }
func (droppedFile) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (droppedFile) Write(p []byte) (int, error)            { return len(p), nil }
func (droppedFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (droppedFile) Preallocate(int64, int64) error         { return nil }
func (droppedFile) Sync() error                            { return nil }
func (droppedFile) SyncTo(int64) (bool, error)             { return false, nil }
func (droppedFile) SyncData() error                        { return nil }
func (droppedFile) Prefetch(int64, int64) error            { return nil }
func (droppedFile) Fd() uintptr                            { return vfs.InvalidFd }
func (f droppedFile) Stat() (vfs.FileInfo, error)          { return droppedInfo(f), nil }

type droppedInfo struct{ name string }

func (i droppedInfo) Name() string         { return i.name }
func (droppedInfo) Size() int64            { return 0 }
func (droppedInfo) Mode() os.FileMode      { return 0o600 }
func (droppedInfo) ModTime() time.Time     { return time.Time{} }
func (droppedInfo) IsDir() bool            { return false }
func (droppedInfo) Sys() any               { return nil }
func (droppedInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
