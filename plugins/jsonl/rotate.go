package jsonl

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// rotatedLayout is the ending of files set aside; it sorts by time.
const rotatedLayout = "20060102T150405.000000000Z"

// rotate sets the file aside under a new name and starts another. If two processes rotate at once, one of them sets
// aside a file that is still short; no line is lost, because no name is ever used twice.
func (f *file) rotate() error {
	// Windows cannot rename an open file.
	if err := f.finish(); err != nil {
		return err
	}
	aside, err := freeName(f.config.Path, time.Now())
	if err == nil {
		err = os.Rename(f.config.Path, aside)
	}
	if err != nil {
		// A file that is too long is better than events that wait.
		f.log.Error("rotation failed; the file keeps growing", "path", f.config.Path, "error", err)
	}
	if err := f.open(); err != nil {
		return err
	}
	f.prune()
	return nil
}

// freeName finds a name that no file has.
func freeName(path string, at time.Time) (string, error) {
	for range 1000 {
		name := path + "." + at.UTC().Format(rotatedLayout)
		_, err := os.Lstat(name)
		if os.IsNotExist(err) {
			return name, nil
		}
		if err != nil {
			return "", fmt.Errorf("looking for a free name: %w", err)
		}
		at = at.Add(time.Nanosecond)
	}
	return "", fmt.Errorf("no free name for %s", path)
}

// prune removes the oldest files set aside, beyond max_files.
func (f *file) prune() {
	if f.config.MaxFiles == 0 {
		return
	}
	names, err := rotated(f.config.Path)
	if err != nil {
		f.log.Error("listing rotated files failed", "error", err)
		return
	}
	for len(names) > f.config.MaxFiles {
		if err := os.Remove(names[0]); err != nil {
			f.log.Error("removing an old file failed", "error", err)
		}
		names = names[1:]
	}
}

// rotated lists the files set aside, the oldest first.
func rotated(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		ending, ok := strings.CutPrefix(entry.Name(), filepath.Base(path)+".")
		if _, err := time.Parse(rotatedLayout, ending); ok && err == nil {
			names = append(names, filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}
