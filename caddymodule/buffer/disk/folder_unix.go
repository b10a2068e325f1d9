//go:build !windows

package disk

import (
	"io/fs"
	"os"
)

// sharedMode returns the permissions of a folder, 0 where only its owner has any.
func sharedMode(dir string) (fs.FileMode, error) {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return 0, err
	}
	return info.Mode().Perm(), nil
}
