//go:build !linux

package integration

import "testing"

func smallDisk(t *testing.T, _ int) string {
	t.Helper()
	t.Skip("makes a small file system on Linux only")
	return ""
}
