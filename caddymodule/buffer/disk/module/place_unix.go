//go:build !windows

package module

import "syscall"

// mayWrite reports why this user cannot write into a folder.
func mayWrite(dir string) error {
	const writeAndSearch = 2 | 1
	return syscall.Access(dir, writeAndSearch)
}
