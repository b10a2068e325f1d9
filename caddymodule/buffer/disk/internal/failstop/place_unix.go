//go:build !windows

package failstop

import (
	"os"
	"syscall"
)

// sameVolume reports whether two files lie on one volume.
func sameVolume(a, b os.FileInfo) bool {
	first, ok := a.Sys().(*syscall.Stat_t)
	second, too := b.Sys().(*syscall.Stat_t)
	return ok && too && first.Dev == second.Dev
}
