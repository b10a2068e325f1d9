//go:build unix && !solaris && !aix

package failstop

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lockDir locks a directory itself, for as long as it is open: a lock that the file LOCK carries is gone for everybody
// else as soon as somebody deletes the file. Where the file system knows no such lock, there is only the file.
func lockDir(dir string) (io.Closer, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(ErrLocked, d.Close())
	}
	return dirLock{d}, nil
}

// dirLock is a directory that is locked.
type dirLock struct{ dir *os.File }

// Close gives the lock up before it closes the directory. A program that is being started in this moment has the
// directory open for an instant too, and would keep the lock as long.
func (l dirLock) Close() error {
	_ = syscall.Flock(int(l.dir.Fd()), syscall.LOCK_UN)
	return l.dir.Close()
}

// isHeld reports whether an error says that somebody else holds a lock on a file, as all do that are not the system's.
func isHeld(err error) bool {
	errno, system := errors.AsType[syscall.Errno](err)
	return !system || errno == syscall.EAGAIN || errno == syscall.EACCES
}
