//go:build !windows

package machine

import (
	"io/fs"
	"strconv"
	"syscall"
)

// owner returns the numbers of a file's user and group.
func owner(info fs.FileInfo) (user, group string) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", ""
	}
	return strconv.FormatUint(uint64(s.Uid), 10), strconv.FormatUint(uint64(s.Gid), 10)
}
