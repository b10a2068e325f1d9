package failstop

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrLocked says that another process has the directory open.
var ErrLocked = errors.New("the directory is in use")

// LockError is an error of FS.Lock. It is found again in what others make of it.
type LockError struct{ cause error }

func (e *LockError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *LockError) Unwrap() error { return e.cause }

// Lock implements vfs.FS. Once it has the lock, it looks at the files. Its errors are *LockError.
func (f *FS) Lock(name string) (io.Closer, error) {
	lock, err := lockAll(f.FS, name, f.path, f.place != nil)
	if err != nil {
		return nil, &LockError{err}
	}
	if err := f.Locked(name); err != nil {
		return nil, &LockError{errors.Join(err, lock.Close())}
	}
	return lock, nil
}

// Locked is for a directory that the caller has locked, with LockOnly. It checks that the buffer is the one that must
// be there, and its files against the control file. A new buffer gets its identity.
func (f *FS) Locked(name string) error {
	if f.place != nil {
		if err := errors.Join(os.Chmod(name, 0o600), f.notePlace(f.path), f.notePlace(name)); err != nil {
			return err
		}
	}
	// Nobody else changes the files from here on, and Pebble has not looked at them yet.
	if err := CheckIdentity(f.FS, f.path, f.identity); err != nil {
		return err
	}
	rebuild := false
	if f.look != nil {
		var err error
		if rebuild, err = f.look(f.FS); err != nil {
			return err
		}
	}
	if err := f.control.check(f.FS, f.path, rebuild, f.logDamaged); err != nil {
		return err
	}
	return f.giveIdentity()
}

// LockOnly is a file system whose Lock is that of FS, but looks at no file.
type LockOnly struct {
	vfs.FS
	// Path is that of the directory.
	Path string
}

// Lock implements vfs.FS.
func (l LockOnly) Lock(name string) (io.Closer, error) {
	return lockAll(l.FS, name, l.Path, l.FS == vfs.Default)
}

// lockAll locks a file, and the directory itself too where it is the operating system's. It tells a lock that somebody
// holds from one that cannot be had, as on a file system that knows no locks.
func lockAll(fsys vfs.FS, name, dir string, both bool) (io.Closer, error) {
	c, err := fsys.Lock(name)
	_, unopened := errors.AsType[*os.PathError](err)
	if unopened || err != nil && !isHeld(err) {
		return nil, fmt.Errorf("locking the directory: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: locking %s: %w", ErrLocked, name, err)
	}
	lock := lockCloser{file: c}
	if !both {
		return lock, nil
	}
	if lock.dir, err = lockDir(dir); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return lock, nil
}

// lockCloser gives both locks back.
type lockCloser struct{ file, dir io.Closer }

func (l lockCloser) Close() error {
	if l.dir == nil {
		return l.file.Close()
	}
	return errors.Join(l.file.Close(), l.dir.Close())
}
