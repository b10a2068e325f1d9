// Package drift knows the files that a config was made from, and says which of them differ now. It keeps hashes, never
// what stands in a file: some hold tokens.
package drift

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// What became of a file since it was noted.
const (
	Changed    State = iota + 1 // it has other contents
	New                         // it was not there
	Gone                        // it is not there any more
	Unreadable                  // it cannot be read, for Change.Err
)

// State is what became of a file.
type State int

// Role is what a file is read for.
type Role int

// The roles.
const (
	Handlers Role = iota + 1
	Token
)

// Change is a file that differs from what was loaded.
type Change struct {
	Path  string
	Role  Role
	State State
	// Err is why it cannot be read; without the path.
	Err error
}

const (
	// maxSize is that of the largest file that is compared; a larger one is taken for changed. It is what Caddy reads
	// of a file for a placeholder.
	maxSize = 1 << 20
	// maxFiles bounds how many are looked at.
	maxFiles = 256
)

// Files are those of one config. The zero value has none. It is safe for concurrent use.
type Files struct {
	mu    sync.Mutex
	noted []noted
}

type noted struct {
	path   string
	role   Role
	digest [sha256.Size]byte
}

// Note remembers what stood in a file when it was loaded. An end of line at the end makes no difference.
func (f *Files) Note(path string, role Role, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.noted) < maxFiles && !slices.ContainsFunc(f.noted, func(n noted) bool { return n.path == path && n.role == role }) {
		f.noted = append(f.noted, noted{path: path, role: role, digest: digest(content)})
	}
}

// Changes reads the files again. handlers are the handlers files that there are now, in which a new one is found.
func (f *Files) Changes(handlers []string) []Change {
	f.mu.Lock()
	all := slices.Clone(f.noted)
	f.mu.Unlock()
	var changes []Change
	for _, n := range all {
		if c, is := n.look(); is {
			changes = append(changes, c)
		}
	}
	if len(all) == maxFiles {
		return changes // a file may be one of those that were not noted
	}
	for _, path := range handlers {
		if !slices.ContainsFunc(all, func(n noted) bool { return n.path == path && n.role == Handlers }) {
			changes = append(changes, Change{Path: path, Role: Handlers, State: New})
		}
	}
	return changes
}

// look compares the file with what was noted.
func (n noted) look() (Change, bool) {
	c := Change{Path: n.path, Role: n.role, State: Changed}
	content, err := Read(n.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.State = Gone
	case err != nil:
		c.State, c.Err = Unreadable, withoutPath(err)
	default:
		return c, digest(content) != n.digest
	}
	return c, true
}

var errNoFile = errors.New("it is no ordinary file")

// Read reads a file as far as it is compared. Something else than an ordinary file, which may have no end, is an error.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	return content, nil
}

// digest leaves out what Caddy leaves out of a file for a placeholder.
func digest(content []byte) [sha256.Size]byte {
	content = bytes.TrimSuffix(content, []byte("\n"))
	return sha256.Sum256(bytes.TrimSuffix(content, []byte("\r")))
}

func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
