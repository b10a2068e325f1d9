package probe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileSystems are named by their numbers in Linux. Those that x/sys does not know are written as numbers.
var fileSystems = map[uint32]string{
	unix.EXT4_SUPER_MAGIC:      "ext4", // ext2 and ext3 have the same number
	unix.XFS_SUPER_MAGIC:       "xfs",
	unix.BTRFS_SUPER_MAGIC:     "btrfs",
	unix.F2FS_SUPER_MAGIC:      "f2fs",
	0x2fc12fc1:                 "zfs",
	0xca451a4e:                 "bcachefs",
	unix.MSDOS_SUPER_MAGIC:     "vfat",
	unix.EXFAT_SUPER_MAGIC:     "exfat",
	0x7366746e:                 "ntfs3",
	unix.TMPFS_MAGIC:           "tmpfs",
	unix.RAMFS_MAGIC:           "ramfs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay",
	0x61756673:                 "aufs",
	unix.NFS_SUPER_MAGIC:       "nfs",
	unix.CIFS_SUPER_MAGIC:      "cifs",
	unix.SMB2_SUPER_MAGIC:      "smb2",
	unix.SMB_SUPER_MAGIC:       "smb",
	unix.V9FS_MAGIC:            "9p",
	unix.FUSE_SUPER_MAGIC:      "fuse",
	unix.CEPH_SUPER_MAGIC:      "ceph",
	unix.AFS_SUPER_MAGIC:       "afs",
	unix.AFS_FS_MAGIC:          "afs",
	0x0bd00bd0:                 "lustre",
	0x786f4256:                 "vboxsf",
	0xbacbacbc:                 "vmhgfs",
}

// FileSystemOf names the file system of a directory, by its number where it has no name here.
func FileSystemOf(path string) (string, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return "", err
	}
	number := uint32(s.Type)
	if name, ok := fileSystems[number]; ok {
		return name, nil
	}
	return fmt.Sprintf("0x%08x", number), nil
}
