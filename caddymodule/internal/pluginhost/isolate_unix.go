//go:build !linux && !windows

package pluginhost

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// maxInherited bounds which descriptors are marked. What a process inherits has low numbers.
const maxInherited = 1 << 16

// isolate keeps the host's open descriptors from a process that is about to start. Those that Go
// opens are marked already; the sockets that a service manager passes on are not.
func isolate() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("finding open descriptors, which the plugin would inherit: %w", err)
	}
	for fd := range int(min(uint64(limit.Cur), maxInherited)) {
		if fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
