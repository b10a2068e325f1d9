package probe

import "golang.org/x/sys/unix"

// FileSystemOf names the file system that a directory lies on.
func FileSystemOf(path string) (string, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(s.Fstypename[:]), nil
}
