package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// folderSize is what the files below a folder take, in bytes. Files that go meanwhile are
// no mistake: a store removes some all the time.
func folderSize(path string) (total int64, err error) {
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		total += info.Size()
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measuring a folder: %w", err)
	}
	return total, nil
}
