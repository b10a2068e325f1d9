package damaged

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Remove deletes a folder that List has named, for good. The note goes last, so that what an error or a crash leaves
// can be removed by another call.
func Remove(fsys vfs.FS, dir string, s Set) error {
	folder := fsys.PathJoin(dir, Folder, s.Name)
	for _, name := range append(slices.Clone(s.Present), noteNewFile, noteFile) {
		if err := fsys.RemoveAll(fsys.PathJoin(folder, name)); err != nil {
			return fmt.Errorf("removing %s of %s: %w", name, s.Name, err)
		}
	}
	if err := errors.Join(fsys.RemoveAll(folder), syncDir(fsys, fsys.PathJoin(dir, Folder))); err != nil {
		return fmt.Errorf("removing %s: %w", s.Name, err)
	}
	return nil
}
