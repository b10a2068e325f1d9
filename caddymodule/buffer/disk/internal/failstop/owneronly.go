package failstop

import (
	"errors"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// OwnerOnly is a file system that keeps others from reading the files that it creates, as FS does, and is nothing else
// of it: errors are returned.
type OwnerOnly struct{ vfs.FS }

// Create implements vfs.FS.
func (o OwnerOnly) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := o.FS.Create(name, c)
	if err != nil || vfs.Root(o.FS) != vfs.Default {
		return file, err
	}
	if err := os.Chmod(name, 0o600); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Unwrap returns the file system below.
func (o OwnerOnly) Unwrap() vfs.FS { return o.FS }
