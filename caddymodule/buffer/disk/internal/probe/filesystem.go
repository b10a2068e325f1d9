package probe

import "strings"

// fileSystemGroup is what file systems have in common that a buffer may lie on.
type fileSystemGroup int

const (
	onDisk fileSystemGroup = iota
	inMemory
	overNetwork
	ofContainer
)

// groupOf tells by the name. What is not known counts as a disk's.
func groupOf(name string) fileSystemGroup {
	switch {
	case name == "tmpfs" || name == "ramfs":
		return inMemory
	case name == "overlay" || name == "aufs":
		return ofContainer
	}
	for _, remote := range []string{"nfs", "cifs", "smb", "9p", "fuse", "ceph", "afs", "lustre", "webdav", "vboxsf", "vmhgfs"} {
		if strings.HasPrefix(name, remote) {
			return overNetwork
		}
	}
	return onDisk
}
