package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// replacementSuffix is that of a segment that is written anew and not in its place yet.
const replacementSuffix = ".new"

// Prepare writes the segment anew beside its place, and syncs it: with the header that it should have, and what else is
// in the damaged file. It must come before that file is set aside: an error or a crash then leaves the log as it is.
func (f *Flaw) Prepare(fsys vfs.FS, dir string) error {
	path := fsys.PathJoin(dir, f.Name)
	if err := f.write(fsys, path); err != nil {
		// It may be the space that it takes that is lacking.
		_ = fsys.Remove(path + replacementSuffix)
		return fmt.Errorf("repairing %s: %w", f.Name, err)
	}
	return nil
}

func (f *Flaw) write(fsys vfs.FS, path string) error {
	from := path
	if f.Copy != "" {
		from = f.Copy
	}
	var rest []byte
	if !f.Missing {
		var err error
		if rest, err = behindHeader(fsys, from); err != nil {
			return err
		}
	}
	file, err := fsys.Create(path+replacementSuffix, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(append(bytes.Clone(f.header), rest...))
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Place puts what Prepare has written in its place, where no file may be.
func (f *Flaw) Place(fsys vfs.FS, dir string) error {
	path := fsys.PathJoin(dir, f.Name)
	if err := fsys.Rename(path+replacementSuffix, path); err != nil {
		return fmt.Errorf("putting the repaired %s in its place: %w", f.Name, err)
	}
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("putting the repaired %s in its place: %w", f.Name, err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// RemoveUnplaced removes what a process has left that was killed between Prepare and Place. The damaged file is there,
// in its place or aside.
func RemoveUnplaced(fsys vfs.FS, dir string) error {
	names, err := fsys.List(dir)
	if err != nil {
		return fmt.Errorf("looking for segments that are not in their place: %w", err)
	}
	for _, name := range names {
		if of, ok := strings.CutSuffix(name, replacementSuffix); ok && strings.HasSuffix(of, Suffix) {
			if err := fsys.Remove(fsys.PathJoin(dir, name)); err != nil {
				return fmt.Errorf("removing %s: %w", name, err)
			}
		}
	}
	return nil
}

// behindHeader returns what a segment holds behind its header.
func behindHeader(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path, vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it went meanwhile", ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return b[min(len(b), segmentHeaderSize):], err
}
