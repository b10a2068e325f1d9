//go:build !windows

package ownfile

import "syscall"

// mayWrite reports why this user cannot write into a folder.
func mayWrite(folder string) error {
	const writeAndSearch = 2 | 1
	return syscall.Access(folder, writeAndSearch)
}
