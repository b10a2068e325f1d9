// Package failstop is the file system that a store writes through when it must never go on after a failed write. The
// first write, sync or close that fails halts it: from then on nothing reaches the disk, which is as a crash at that
// moment would leave it.
//
// The package also keeps the control file, which tells damage at rest from the torn end that a crash leaves, and waits
// out a full disk and a shortage of file descriptors, which are no failures.
package failstop

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
)

// FS wraps the file system for everything that writes to it: Pebble and the log of events.
//
// Pebble panics or ends the process when its manifest or a table cannot be written, partly while it holds locks, so
// that nothing can be recovered; while it is being opened, it repeats a failed flush without end. So the first write
// that fails halts the buffer. It and all later writes are dropped, and Pebble is told that they worked: on the disk
// this is a crash at that moment, and the buffer, being halted, believes nothing that Pebble says from then on. Only a
// write that finds the disk full may wait, see diskFull, and so may one that finds no file descriptor, see
// descriptorFS.
type FS struct {
	vfs.FS
	// Failure is what halted it, if anything did.
	Failure *Failure

	path string
	// identity is the one that the buffer must have, "" for any; once it is locked, the one that it has.
	identity string
	// place is nil where the file system is not the operating system's.
	place       *place
	control     *control
	refusals    *refusals
	descriptors *descriptorFS
	diskFull    *diskFull
	// look is Options.Look, and logDamaged Options.LogDamaged.
	look       func(vfs.FS) (bool, error)
	logDamaged bool
	// begun is set when the opening of the store may have started something that only its end would stop.
	begun atomic.Bool
}

// Options configure New.
type Options struct {
	// FS is the file system to wrap, Path the buffer's directory.
	FS   vfs.FS
	Path string
	// Identity is the one that the buffer must have, "" for any.
	Identity string
	Log      *slog.Logger
	// Closing ends all waiting.
	Closing <-chan struct{}
	// Look, if not nil, looks at the directory once it is locked and before anything else does. It says whether the
	// store may be built anew from the log, so that it is not missed.
	Look func(vfs.FS) (rebuild bool, err error)
	// LogDamaged: the segments of the log are not checked against the control file. Whoever reads them judges.
	LogDamaged bool
}

// New wraps a file system. It reserves file descriptors until Release.
func New(o Options) *FS {
	failure := newFailure()
	refusals := &refusals{FS: o.FS}
	descriptors := newDescriptorFS(refusals, o.Log, o.Closing)
	f := &FS{
		FS:          descriptors,
		Failure:     failure,
		path:        o.Path,
		identity:    o.Identity,
		control:     newControl(),
		refusals:    refusals,
		descriptors: descriptors,
		look:        o.Look,
		logDamaged:  o.LogDamaged,
		diskFull:    &diskFull{log: o.Log, path: o.Path, closing: o.Closing, failure: failure},
	}
	if o.FS == vfs.Default {
		f.place = &place{dir: o.Path, opened: map[string]os.FileInfo{}}
	}
	return f
}

// Opened says that the store is open. From here on, operations wait for space and for file descriptors; before, a
// shortage is an error of opening.
func (f *FS) Opened() {
	f.descriptors.armed.Store(true)
	f.diskFull.armed.Store(true)
}

// Full is why no event can be taken while a write waits for space, else nil.
func (f *FS) Full() error { return f.diskFull.err() }

// CheckPosition returns an error when less is stored than the control file says: next is the position of the next
// event.
func (f *FS) CheckPosition(next uint64) error { return f.control.checkPosition(next) }

// Given returns the position of the next event by the control file that was found, 0 where it says none. current: no
// event was stored after that was written.
func (f *FS) Given() (next uint64, current bool) { return f.control.written.Next, f.control.current }

// Synced returns how many bytes of a segment were synced by the control file that was found, 0 where it does not say.
func (f *FS) Synced(segment string) int64 { return f.control.syncedOf(segment) }

// ControlLost reports whether the control file was missing or damaged when the store was opened, although something is
// stored: damage at the end of the log or of the manifest could not be told from what a crash leaves.
func (f *FS) ControlLost() bool { return f.control.lost }

// WriteControl writes the control file where it has something new to say. next is the position of the next event;
// closed says that the store is closed behind it. One goroutine calls it.
func (f *FS) WriteControl(next uint64, closed bool) error {
	return f.control.write(f, f.path, f.control.state(next, closed))
}

// ControlOutdated reports whether the manifest has grown since the control file was written.
func (f *FS) ControlOutdated() bool { return f.control.outdated() }

// Applied says that the store has on the disk all that a segment of the log changed, so the control file need not know
// of the segment any more.
func (f *FS) Applied(segment string) { f.control.removed(segment) }

// Release gives the reserved file descriptors back.
func (f *FS) Release() { f.descriptors.release() }

// halted reports whether writes are dropped.
func (f *FS) halted() bool {
	return f.Failure.Err() != nil
}

// hide halts where an operation failed, and reports whether it did, so that the caller hides the error.
func (f *FS) hide(doing, path string, err error) bool {
	if err == nil {
		return false
	}
	f.Failure.Halt(fmt.Errorf("%s %s: %w", doing, filepath.Base(path), err))
	return true
}

// do runs an operation that is never repeated: a sync that failed once may well succeed the next time without having
// kept anything.
func (f *FS) do(doing, path string, op func() error) error {
	if !f.halted() {
		f.hide(doing, path, op())
	}
	return nil
}

// change runs an operation that can be repeated once there is space.
func (f *FS) change(doing, path string, op func() error) error {
	return f.do(doing, path, func() error { return f.diskFull.retryOnFull(op) })
}

// changePath is change for an operation that goes by a path, which must still name what was opened. Writes and syncs of
// an open file need no such look.
func (f *FS) changePath(doing, path string, op func() error) error {
	f.CheckPlace()
	return f.change(doing, path, op)
}

func (f *FS) open(doing, path string, op func() (vfs.File, error)) (vfs.File, error) {
	f.CheckPlace()
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
	return &wrappedFile{File: file, fs: f, path: path, written: stamp{Name: filepath.Base(path)},
		grows: grows(filepath.Base(path))}, nil
}

// Create implements vfs.FS. The entry of a new manifest is durable when it returns.
func (f *FS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasSuffix(name, ".sst") {
		f.begun.Store(true)
	}
	return f.open("creating", name, func() (vfs.File, error) {
		file, err := f.owned(name)(f.FS.Create(name, c))
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(f.PathBase(name), manifestPrefix) {
			return file, nil
		}
		if err := f.syncDir(f.PathDir(name)); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	})
}

// owned keeps others from reading a file that was opened for writing, and watches it if it is a segment.
func (f *FS) owned(name string) func(vfs.File, error) (vfs.File, error) {
	return func(file vfs.File, err error) (vfs.File, error) {
		if err != nil || f.place == nil {
			return file, err
		}
		err = os.Chmod(name, 0o600)
		if err == nil && strings.HasSuffix(name, eventlog.Suffix) {
			err = f.notePlace(name)
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	}
}

// syncDir makes the entry of a new manifest durable. Pebble syncs the directory once for the manifest and for the
// marker that names it. On a file system that may keep the later entry of the two and lose the earlier one, a crash in
// between would leave a store that cannot be opened.
func (f *FS) syncDir(dir string) error {
	d, err := f.FS.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenReadWrite implements vfs.FS.
func (f *FS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.open("opening", name, func() (vfs.File, error) {
		return f.owned(name)(f.FS.OpenReadWrite(name, c, opts...))
	})
}

// ReuseForWrite implements vfs.FS.
func (f *FS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.control.removed(filepath.Base(oldname))
	return f.open("reusing", newname, func() (vfs.File, error) {
		return f.owned(newname)(f.FS.ReuseForWrite(oldname, newname, c))
	})
}

// OpenDir is wrapped because a directory is synced through its file.
func (f *FS) OpenDir(name string) (vfs.File, error) {
	return f.open("opening", name, func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

// List halts when it fails after a flush or after the options were written. Pebble lists the directory at the end of
// opening, while compactions may run already. Told of a failure, it would take away the state that they use, and the
// process would end or leak a goroutine. Without a list it only leaves files that nobody needs.
func (f *FS) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	if f.begun.Load() && f.hide("listing", dir, err) {
		return nil, nil
	}
	return names, err
}

// Link implements vfs.FS.
func (f *FS) Link(oldname, newname string) error {
	return f.changePath("linking", newname, func() error { return f.FS.Link(oldname, newname) })
}

// Rename implements vfs.FS.
func (f *FS) Rename(oldname, newname string) error {
	if strings.HasPrefix(f.PathBase(newname), "OPTIONS-") {
		f.begun.Store(true)
	}
	return f.changePath("renaming", newname, func() error { return f.FS.Rename(oldname, newname) })
}

// MkdirAll keeps others out: events are personal data.
func (f *FS) MkdirAll(dir string, perm os.FileMode) error {
	return f.changePath("making", dir, func() error { return f.FS.MkdirAll(dir, perm&0o700) })
}

// Remove may fail without harm, but once halted no file may go.
func (f *FS) Remove(name string) error {
	f.CheckPlace()
	if f.halted() {
		return nil
	}
	f.control.removed(filepath.Base(name))
	if f.place != nil {
		f.place.forget(name)
	}
	return f.FS.Remove(name)
}

// RemoveAll is as Remove.
func (f *FS) RemoveAll(name string) error {
	f.CheckPlace()
	if f.halted() {
		return nil
	}
	return f.FS.RemoveAll(name)
}

// Unwrap returns the file system below.
func (f *FS) Unwrap() vfs.FS { return f.FS }
