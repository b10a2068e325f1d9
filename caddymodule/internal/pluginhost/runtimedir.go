package pluginhost

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
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
	// maxParent is the longest path, in bytes, of a directory that sockets can be below.
	maxParent = maxSocketPath - socketRest
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

// newRuntimeDir makes a directory in the first of places that can be used, and removes what dead
// hosts left there. The error says why each of them cannot.
func newRuntimeDir(places []string) (*runtimeDir, error) {
	var refused []string
	for _, place := range places {
		dir, err := newRuntimeDirIn(place)
		if err == nil {
			return dir, nil
		}
		refused = append(refused, fmt.Sprintf("%s: %s", place, refusedBecause(err)))
	}
	return nil, noPlace(refused)
}

// noPlace says why no place will do, and what to do.
func noPlace(refused []string) error {
	advice := "let TMPDIR name a directory that Caddy may write to"
	if maxSocketPath > 0 {
		advice += fmt.Sprintf(", with a path of at most %d bytes; in a container, a tmpfs on /tmp will do", maxParent)
	}
	return fmt.Errorf("no directory for the plugin's socket (%s): %s", strings.Join(refused, "; "), advice)
}

// refusedBecause is err without the name of a file in the place: it is the place that matters.
func refusedBecause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// runtimePlaces are where a plugin's socket may go, the best first: where the spec says, where
// temporary files go, where a session keeps its sockets, and where the spec says at last.
func (s Spec) runtimePlaces() []string {
	places := []string{s.RuntimeDir, os.TempDir(), os.Getenv("XDG_RUNTIME_DIR")}
	if maxSocketPath > 0 {
		places = append(places, "/tmp")
	}
	places = append(places, s.FallbackDir)
	var distinct []string
	for _, place := range places {
		// A path that cannot be made absolute is tried as it is, and its error shown.
		if abs, err := filepath.Abs(place); err == nil && place != "" {
			place = abs
		}
		if place != "" && !slices.Contains(distinct, place) {
			distinct = append(distinct, place)
		}
	}
	return distinct
}

func newRuntimeDirIn(parent string) (*runtimeDir, error) {
	if err := checkLength(parent); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	sweep(parent)
	for range 10 {
		path, err := os.MkdirTemp(parent, dirPrefix)
		if err != nil {
			return nil, err
		}
		dir, err := claim(path)
		if err == nil {
			return dir, nil
		}
		_ = os.RemoveAll(path)
		if !errors.Is(err, errSwept) {
			return nil, err
		}
	}
	return nil, errSwept
}

func checkLength(parent string) error {
	if maxSocketPath > 0 && len(parent) > maxParent {
		return fmt.Errorf("the path has %d bytes, %d too many for a unix socket", len(parent), len(parent)-maxParent)
	}
	return nil
}

// errSwept means that another host's sweep was faster than the lock.
var errSwept = errors.New("directories that are made there do not last")

// claim makes a directory that was just made the host's own.
func claim(path string) (*runtimeDir, error) {
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errSwept
	case err != nil:
		return nil, err
	case !tryLock(lock), !isFile(lock, filepath.Join(path, lockName)):
		_ = lock.Close()
		return nil, errSwept
	}
	if err := trySocket(path); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return &runtimeDir{path: path, lock: lock}, nil
}

// trySocket finds file systems that hold files and no sockets, such as some that a container
// shares with its host.
func trySocket(dir string) error {
	if maxSocketPath == 0 {
		return nil
	}
	ln, err := net.Listen("unix", filepath.Join(dir, "try"))
	if err != nil {
		return fmt.Errorf("no socket can be made there: %w", err)
	}
	return ln.Close()
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
