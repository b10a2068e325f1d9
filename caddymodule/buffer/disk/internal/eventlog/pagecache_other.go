//go:build !linux

package eventlog

import "github.com/cockroachdb/pebble/v2/vfs"

// adviseDontNeed leaves it to the system here.
func adviseDontNeed(vfs.File, int64, int64) {}
