package damaged

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// timeLayout is that of the folders' names: UTC, and no sign that a file system may refuse.
const timeLayout = "20060102T150405Z"

// SetAside renames the note's files from dir into a folder of their own, whose name it gives the note. Nobody else may
// use them meanwhile.
func SetAside(fsys vfs.FS, dir string, n Note) (Note, error) {
	n.Done = false
	if err := n.makeFolder(fsys, dir); err != nil {
		return n, fmt.Errorf("making a folder for damaged files: %w", err)
	}
	if err := n.write(fsys, dir); err != nil {
		// Nothing has moved yet, so nothing stays behind of this attempt.
		folder := fsys.PathJoin(dir, Folder, n.Name)
		for _, path := range []string{fsys.PathJoin(folder, noteNewFile), fsys.PathJoin(folder, noteFile), folder} {
			_ = fsys.Remove(path)
		}
		return n, fmt.Errorf("noting which files are damaged: %w", err)
	}
	return n, n.move(fsys, dir)
}

// makeFolder takes the first name of its time that is free.
func (n *Note) makeFolder(fsys vfs.FS, dir string) error {
	above := fsys.PathJoin(dir, Folder)
	if err := fsys.MkdirAll(above, 0o700); err != nil {
		return err
	}
	taken, err := fsys.List(above)
	if err != nil {
		return err
	}
	for i := 1; n.Name == "" || slices.Contains(taken, n.Name); i++ {
		n.Name = fmt.Sprintf("%s-%d", n.At.UTC().Format(timeLayout), i)
	}
	if err := fsys.MkdirAll(fsys.PathJoin(above, n.Name), 0o700); err != nil {
		return err
	}
	return errors.Join(syncDir(fsys, above), syncDir(fsys, dir))
}

// move renames what is not renamed yet, and says so in the note.
func (n *Note) move(fsys vfs.FS, dir string) error {
	folder := fsys.PathJoin(dir, Folder, n.Name)
	for _, name := range n.Files {
		from, to := fsys.PathJoin(dir, name), fsys.PathJoin(folder, name)
		if _, err := fsys.Stat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := keepBoth(fsys, to, &to); err != nil {
			return fmt.Errorf("setting %s aside: %w", name, err)
		}
		if err := fsys.Rename(from, to); err != nil {
			return fmt.Errorf("setting %s aside: %w", name, err)
		}
	}
	// The new names first: a file with two names is better than one with none.
	if err := errors.Join(syncDir(fsys, folder), syncDir(fsys, dir)); err != nil {
		return fmt.Errorf("setting damaged files aside: %w", err)
	}
	n.Done = true
	if err := n.write(fsys, dir); err != nil {
		return fmt.Errorf("noting that damaged files are set aside: %w", err)
	}
	return nil
}

// keepBoth finds another name where one is taken. After a power cut a file may have both its names.
func keepBoth(fsys vfs.FS, path string, free *string) error {
	for i := 2; ; i++ {
		_, err := fsys.Stat(*free)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		*free = fmt.Sprintf("%s.%d", path, i)
	}
}

// Before is what the notes of a directory say to a store that is begun anew. Without notes it is zero.
type Before struct {
	// NextPosition is the highest of all notes.
	NextPosition uint64
	// Rebuild: one of them is about the store alone, which is to be built anew from the log.
	Rebuild bool
}

// Finish sets aside what another process was killed over, and returns what the notes say. Nobody else may use the
// directory meanwhile.
func Finish(fsys vfs.FS, dir string) (b Before, err error) {
	names, err := folders(fsys, dir)
	if err != nil {
		return b, err
	}
	for _, name := range names {
		n, ok, err := readNote(fsys, dir, name)
		if err != nil {
			return b, err
		}
		if !ok {
			continue
		}
		b.NextPosition, b.Rebuild = max(b.NextPosition, n.NextPosition), b.Rebuild || n.What == buffer.DamagedStore
		if n.Done {
			continue
		}
		if err := n.move(fsys, dir); err != nil {
			return b, err
		}
	}
	return b, nil
}

// folders returns the names of the folders, oldest first.
func folders(fsys vfs.FS, dir string) ([]string, error) {
	names, err := fsys.List(fsys.PathJoin(dir, Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for damaged files that were set aside: %w", err)
	}
	slices.Sort(names)
	return names, nil
}
