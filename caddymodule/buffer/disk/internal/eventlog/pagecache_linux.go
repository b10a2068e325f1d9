package eventlog

import (
	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// adviseDontNeed lets the system forget a part of the file that is on the disk.
func adviseDontNeed(f vfs.File, offset, length int64) {
	if fd := f.Fd(); fd != vfs.InvalidFd {
		_ = unix.Fadvise(int(fd), offset, length, unix.FADV_DONTNEED)
	}
}
