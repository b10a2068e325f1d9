//go:build !windows

package pluginhost

import (
	"io/fs"
	"os"
	"syscall"
)

// maxSocketPath is the longest path of a unix socket that all our systems take.
const maxSocketPath = 103

// tryLock locks f for as long as it is open; false if another holds it.
func tryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// isOurs reports whether the user of this process owns the file: in a shared temporary
// directory others' are left alone.
func isOurs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
