package pluginhost

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// isolate keeps from a process that is about to start what is the host's own: open descriptors,
// and what /proc shows of the host's memory and environment.
func isolate() error {
	return errors.Join(closeOnExec(), hideMemory())
}

// closeOnExec marks every descriptor of this process but the standard streams. Those that Go opens
// are marked already; the sockets that a service manager passes on are not, nor is what C code
// opens. The process that starts still gets what it is given: that is put in its place without the
// mark.
func closeOnExec() error {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	// Linux before 5.11, or a sandbox that does not know the call.
	return markListed()
}

// markListed is closeOnExec by way of the list of open descriptors.
func markListed() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("listing open descriptors, which the plugin would inherit: %w", err)
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// hideMemory makes this process one that no other of its user can look into, with its tokens in the
// environment and in memory: /proc/PID/environ and /proc/PID/mem, ptrace. A side effect is that it
// leaves no core dump. A process that starts from it is not affected: the kernel resets it at exec.
func hideMemory() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hiding the environment of this process from the plugin: %w", err)
	}
	return nil
}
