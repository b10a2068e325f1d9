package probe

import "strings"

// fileSystemGroup is what several file systems have in common.
type fileSystemGroup int

const (
	onDisk fileSystemGroup = iota
	inMemory
	overNetwork
	ofContainer
)

// groupOf returns the group by the name. An unknown file system counts as a disk's.
func groupOf(name string) fileSystemGroup {
	switch name {
	case "tmpfs", "ramfs":
		return inMemory
	case "overlay", "aufs":
		return ofContainer
	}
	for _, remote := range []string{"nfs", "cifs", "smb", "9p", "fuse", "ceph", "afs", "lustre", "webdav", "vboxsf",
		"vmhgfs"} {
		if strings.HasPrefix(name, remote) {
			return overNetwork
		}
	}
	return onDisk
}
