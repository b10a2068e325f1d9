package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// fadvDontNeed is POSIX_FADV_DONTNEED: what is on the disk need not be kept in memory.
const fadvDontNeed = 4

// forgetFiles takes the files below a folder out of the operating system's memory, so
// that the next to read them does so from the disk, as after the machine was started.
func forgetFiles(path string) (bool, error) {
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		// What is not written yet cannot go.
		if err := datasync(f); err != nil {
			return err
		}
		if _, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, fadvDontNeed, 0, 0); errno != 0 {
			return errno
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("taking files out of memory: %w", err)
	}
	return true, nil
}
