package pluginhost

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// maxSocketPath is 0: on Windows plugins listen on a loopback port.
const maxSocketPath = 0

// tryLock locks f for as long as it is open; false if another holds it.
func tryLock(f *os.File) bool {
	return windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped)) == nil
}

// isOurs: temporary directories belong to one user on Windows.
func isOurs(fs.FileInfo) bool { return true }
