//go:build unix && !solaris && !aix

package failstop

import (
	"errors"
	"os"
	"syscall"
)

// lockDir locks a directory itself, for as long as it is open: a lock that the file LOCK carries is gone for everybody
// else as soon as somebody deletes the file. Where the file system knows no such lock, there is only the file.
func lockDir(dir string) (*os.File, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(ErrLocked, d.Close())
	}
	return d, nil
}
