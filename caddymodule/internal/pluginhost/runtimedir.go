package pluginhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// dirPrefix begins the name of every directory that this package makes.
	dirPrefix = "smc-"
	lockName  = "lock"
	// socketRest is the longest that comes behind the parent's path: /smc-<10
	// digits>/plugin-dir<10 digits>/plugin<10 digits>.
	socketRest = 1 + len(dirPrefix) + 10 + len("/plugin-dir") + 10 + len("/plugin") + 10
	// abandoned is the age at which a directory without a lock file is taken for
	// left behind; a younger one may be about to get it.
	abandoned = time.Hour
)

// runtimeDir is the directory for one plugin's sockets. Its owner holds a lock on a
// file in it as long as the owner lives, so that others can tell a directory in use
// from one that a killed host left behind, also across containers that share it.
type runtimeDir struct {
	path string
	lock *os.File
}

// newRuntimeDir makes a directory in parent, or in the system's temporary directory
// where parent is "" or too long for a socket's path. It removes what dead hosts
// left there.
func newRuntimeDir(parent string) (*runtimeDir, error) {
	parent, err := shortParent(parent)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("making the runtime directory: %w", err)
	}
	sweep(parent)
	for range 10 {
		dir, err := os.MkdirTemp(parent, dirPrefix)
		if err != nil {
			return nil, fmt.Errorf("making a directory for the plugin's socket: %w", err)
		}
		lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("making a directory for the plugin's socket: %w", err)
		}
		// Another host's sweep may have been faster than the lock; then once more.
		if tryLock(lock) && isFile(lock, filepath.Join(dir, lockName)) {
			return &runtimeDir{path: dir, lock: lock}, nil
		}
		_ = lock.Close()
	}
	return nil, fmt.Errorf("making a directory for the plugin's socket: those made in %s do not last", parent)
}

// intact reports whether the directory is still there: cleaners of temporary
// directories take what looks old.
func (d *runtimeDir) intact() bool {
	return isFile(d.lock, filepath.Join(d.path, lockName))
}

// remove removes the directory. A nil one is removed already.
func (d *runtimeDir) remove() error {
	if d == nil {
		return nil
	}
	err := os.RemoveAll(d.path)
	closeErr := d.lock.Close()
	if err != nil {
		// Windows does not remove a file that is open.
		err = os.RemoveAll(d.path)
	}
	if err != nil {
		return err
	}
	return closeErr
}

func shortParent(parent string) (string, error) {
	candidates := []string{os.TempDir()}
	if parent != "" {
		candidates = []string{parent, os.TempDir()}
	}
	if maxSocketPath > 0 {
		candidates = append(candidates, "/tmp")
	}
	for _, dir := range candidates {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("finding the runtime directory: %w", err)
		}
		if maxSocketPath == 0 || len(abs)+socketRest <= maxSocketPath {
			return abs, nil
		}
	}
	return "", fmt.Errorf("no directory for the plugin's socket: the paths %s are longer than %d bytes; set a shorter one",
		strings.Join(candidates, ", "), maxSocketPath-socketRest)
}

// sweep removes the directories in parent whose owner is dead. What cannot be
// removed stays: it harms nobody.
func sweep(parent string) {
	dirs, err := filepath.Glob(filepath.Join(parent, dirPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !isOurs(info) {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) && time.Since(info.ModTime()) > abandoned {
			_ = os.RemoveAll(dir)
		}
		if err != nil {
			continue
		}
		if tryLock(lock) {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}

func isFile(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}
