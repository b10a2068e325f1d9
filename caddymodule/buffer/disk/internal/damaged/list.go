package damaged

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Set is what lies in one folder now.
type Set struct {
	Note
	// Present are the files that are there, the note aside, and Bytes their size.
	Present []string
	Bytes   uint64
}

// List describes all folders, oldest first. One that holds neither a file nor a note is left out.
func List(fsys vfs.FS, dir string) ([]Set, error) {
	names, err := folders(fsys, dir)
	if err != nil {
		return nil, err
	}
	var sets []Set
	for _, name := range names {
		s, ok, err := look(fsys, dir, name)
		if err != nil {
			return nil, err
		}
		if ok {
			sets = append(sets, s)
		}
	}
	return sets, nil
}

func look(fsys vfs.FS, dir, name string) (s Set, ok bool, err error) {
	folder := fsys.PathJoin(dir, Folder, name)
	info, err := fsys.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("looking at %s: %w", name, err)
	}
	if s.Note, ok, err = readNote(fsys, dir, name); err != nil {
		return s, false, err
	}
	s.Name = name
	files, err := fsys.List(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, false, fmt.Errorf("looking at %s: %w", name, err)
	}
	for _, file := range files {
		if file == noteFile || file == noteNewFile {
			continue
		}
		info, err := fsys.Stat(fsys.PathJoin(folder, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return s, false, fmt.Errorf("looking at %s: %w", name, err)
		}
		s.Present = append(s.Present, file)
		s.Bytes += uint64(info.Size())
	}
	return s, ok || len(s.Present) > 0, nil
}
