package module

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// known remembers which buffer a path had. It lies outside the buffers' directories, so that a volume that is not
// mounted, or a directory that was deleted, is not taken for the first start: a new buffer would say nothing of the
// events that lie elsewhere.
//
// By default both lie in Caddy's data directory: that tells a directory that was deleted or moved. Where the data
// directory is on a volume that is not mounted, what is remembered is away with the buffer, and a new one begins.
//
// There is a file for each path, so that two Caddys with one data directory do not write to the same one.
type known struct{ dir string }

// record is what is remembered of a path.
type record struct {
	Path string `json:"path"`
	// Identity is that of the buffer.
	Identity string `json:"identity"`
	// FirstOpened and LastOpened are times of that buffer at that path.
	FirstOpened time.Time `json:"first_opened"`
	LastOpened  time.Time `json:"last_opened"`
}

// maxRecords bounds how many paths are remembered; each takes some 300 bytes.
const maxRecords = 100

// knownBuffers is where a path is remembered, nil for a path below the system's folder for temporary files: what is
// there may be gone at the next start, and nobody minds.
func knownBuffers(path string) (*known, error) {
	if isTemporary(path) {
		return nil, nil
	}
	dir, err := filepath.Abs(filepath.Join(caddy.AppDataDir(), "smartcar-buffers"))
	if err != nil {
		return nil, fmt.Errorf("finding Caddy's data directory: %w", err)
	}
	return &known{dir: dir}, nil
}

func isTemporary(path string) bool {
	rel, err := filepath.Rel(resolved(os.TempDir()), resolved(path))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// resolved follows the links in a path as far as it is there.
func resolved(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		return target
	}
	parent := filepath.Dir(path)
	if parent == path {
		return path
	}
	return filepath.Join(resolved(parent), filepath.Base(path))
}

// file is where a path's record lies.
func (k *known) file(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(k.dir, hex.EncodeToString(sum[:8])+".json")
}

// find returns what is remembered of a path, the zero record where nothing is.
func (k *known) find(path string) (record, error) {
	r, err := readRecord(k.file(path))
	if errors.Is(err, fs.ErrNotExist) || err == nil && r.Path != path {
		return record{}, nil
	}
	return r, err
}

func readRecord(file string) (record, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return record{}, err
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return record{}, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// note remembers the buffer that was opened at a path now.
func (k *known) note(path, identity string, now time.Time) error {
	was, err := k.find(path)
	if err != nil || was.Identity != identity {
		was = record{Path: path, Identity: identity, FirstOpened: now}
	}
	was.LastOpened = now
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	if err := writeRecord(k.file(path), was); err != nil {
		return err
	}
	return errors.Join(k.removeUnfinished(now), k.prune())
}

// unfinished is after how long a file that has not become a record was left behind by a process that ended in between.
// Another Caddy may be writing a younger one. If the clock makes that seem old, its write fails, which is a warning.
const unfinished = time.Minute

// removeUnfinished removes what such processes left behind.
func (k *known) removeUnfinished(now time.Time) error {
	files, err := filepath.Glob(filepath.Join(k.dir, "new-*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		info, err := os.Lstat(file)
		if err != nil || now.Sub(info.ModTime()) < unfinished {
			continue // another process has just renamed it, or is writing it
		}
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// writeRecord replaces the file in one step, and makes that durable.
func writeRecord(file string, r record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), "new-*") // for its owner only
	if err != nil {
		return err
	}
	_, err = temp.Write(append(text, '\n'))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return syncDir(filepath.Dir(file))
}

// forget removes what is remembered of a path.
func (k *known) forget(path string) error {
	err := os.Remove(k.file(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// prune forgets the paths beyond maxRecords: first those that are not there any more, and the oldest of them first. It
// goes by their order and never by their age, since a clock can be wrong.
func (k *known) prune() error {
	files, err := filepath.Glob(filepath.Join(k.dir, "*.json"))
	if err != nil || len(files) <= maxRecords {
		return err
	}
	type candidate struct {
		file   string
		there  bool
		opened time.Time
	}
	var all []candidate
	for _, file := range files {
		c := candidate{file: file}
		if r, err := readRecord(file); err == nil {
			_, err := os.Stat(r.Path)
			c.there, c.opened = err == nil, r.LastOpened
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b candidate) int {
		switch {
		case a.there != b.there && b.there:
			return -1
		case a.there != b.there:
			return 1
		}
		return a.opened.Compare(b.opened)
	})
	var errs []error
	for _, c := range all[:len(all)-maxRecords] {
		errs = append(errs, os.Remove(c.file))
	}
	return errors.Join(errs...)
}
