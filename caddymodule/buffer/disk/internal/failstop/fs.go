package failstop

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failstopFS wraps the file system for everything that writes to it: Pebble and the log of events.
//
// Pebble panics or ends the process when its manifest or a table cannot be written, partly while it holds locks, so that
// nothing can be recovered; while it is being opened, it repeats a failed flush without end. So the first write that fails
// halts the buffer. It and all later writes are dropped, and Pebble is told that they worked: on the disk this is a crash at
// that moment, and the buffer, being halted, believes nothing that Pebble says from then on. Only a write that finds the
// disk full may wait, see diskFull, and so may one that finds no file descriptor, see descriptorFS.
type FS struct {
	vfs.FS
	Failure *Failure
	Control *control

	descriptors *descriptorFS
	diskFull    *diskFull
	// begun is set when the opening of the store may have started something that only its end would stop.
	begun atomic.Bool
}

// failstopOptions configure newFailstopFS.
type Options struct {
	// FS is the file system to wrap, path the buffer's directory.
	FS   vfs.FS
	Path string
	Log  *slog.Logger
	// Closing ends all waiting.
	Closing <-chan struct{}
}

// newFailstopFS wraps a file system. It holds file descriptors until release.
func New(o Options) *FS {
	failure := newFailure()
	descriptors := newDescriptorFS(o.FS, o.Log, o.Closing)
	return &FS{
		FS:          descriptors,
		Failure:     failure,
		Control:     newControl(),
		descriptors: descriptors,
		diskFull:    &diskFull{log: o.Log, path: o.Path, closing: o.Closing, failure: failure},
	}
}

// Opened says that the store is open: from here on, operations wait for space and for file descriptors. Before, a
// shortage is an error of Open.
func (f *FS) Opened() {
	f.descriptors.armed.Store(true)
	f.diskFull.armed.Store(true)
}

// Full is why no event can be taken while a write waits for space, else nil.
func (f *FS) Full() error { return f.diskFull.err() }

// Release gives the file descriptors back that are held for the store.
func (f *FS) Release() { f.descriptors.release() }

// frozen reports whether writes are dropped.
func (f *FS) halted() bool {
	return f.Failure.Err() != nil
}

// caught takes the error of a write and reports whether to hide it.
func (f *FS) hide(doing, path string, err error) bool {
	if err == nil {
		return false
	}
	f.Failure.Halt(fmt.Errorf("%s %s: %w", doing, filepath.Base(path), err))
	return true
}

// do is for what is not repeated, whatever it says: a sync that failed once may well succeed the
// next time, without having kept anything.
func (f *FS) do(doing, path string, op func() error) error {
	if !f.halted() {
		f.hide(doing, path, op())
	}
	return nil
}

// change is for what can be repeated when there is space.
func (f *FS) change(doing, path string, op func() error) error {
	return f.do(doing, path, func() error { return f.diskFull.retryOnFull(op) })
}

func (f *FS) open(doing, path string, op func() (vfs.File, error)) (vfs.File, error) {
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
	return &wrappedFile{File: file, fs: f, path: path, synced: stamp{Name: filepath.Base(path)}, grows: grows(filepath.Base(path))}, nil
}

func (f *FS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
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
func (f *FS) syncDir(dir string) error {
	d, err := f.FS.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *FS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.open("opening", name, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, opts...) })
}

func (f *FS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.Control.Removed(filepath.Base(oldname))
	return f.open("reusing", newname, func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, c) })
}

// OpenDir is wrapped because a directory is synced through its file.
func (f *FS) OpenDir(name string) (vfs.File, error) {
	return f.open("opening", name, func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

// List halts when it fails after a flush, or when the options are written. The opening of a store ends with it, while
// compactions may be at work already; were it to fail, Pebble would take from them what they work with, and the process would
// die of that, or leave a goroutine behind. Without a list it only leaves files that nobody needs.
func (f *FS) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	if f.begun.Load() && f.hide("listing", dir, err) {
		return nil, nil
	}
	return names, err
}

func (f *FS) Link(oldname, newname string) error {
	return f.change("linking", newname, func() error { return f.FS.Link(oldname, newname) })
}

func (f *FS) Rename(oldname, newname string) error {
	if strings.HasPrefix(f.PathBase(newname), "OPTIONS-") {
		f.begun.Store(true)
	}
	return f.change("renaming", newname, func() error { return f.FS.Rename(oldname, newname) })
}

// MkdirAll keeps others out: events are personal data.
func (f *FS) MkdirAll(dir string, perm os.FileMode) error {
	return f.change("making", dir, func() error { return f.FS.MkdirAll(dir, perm&0o700) })
}

// Remove failing harms nothing, but after the freeze no file may go.
func (f *FS) Remove(name string) error {
	if f.halted() {
		return nil
	}
	f.Control.Removed(filepath.Base(name))
	return f.FS.Remove(name)
}

func (f *FS) RemoveAll(name string) error {
	if f.halted() {
		return nil
	}
	return f.FS.RemoveAll(name)
}

func (f *FS) Unwrap() vfs.FS { return f.FS }

// ErrLocked says that the directory has an owner.
var ErrLocked = errors.New("the directory is in use")

// Lock tells a lock that is held from one whose file cannot be opened.
func (f *FS) Lock(name string) (io.Closer, error) {
	c, err := f.FS.Lock(name)
	var file *os.PathError
	if errors.As(err, &file) {
		return nil, fmt.Errorf("locking the directory: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: locking %s: %w", ErrLocked, name, err)
	}
	// Nobody else changes the files from here on, and Pebble has not looked at them yet.
	if err := f.Control.check(f.FS, f.PathDir(name)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
