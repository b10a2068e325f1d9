//go:build unix

package child

import (
	"os"
	"syscall"
)

// killGroup kills all processes of p's group. None left is no error.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
}

// LeadsGroup reports whether this process leads a process group of its own, as each plugin does that the host starts.
func LeadsGroup() bool { return syscall.Getpgrp() == os.Getpid() }

// KillOwnGroup kills this process and all that is in its group, which it must lead. Nothing is done otherwise.
func KillOwnGroup() {
	if LeadsGroup() {
		_ = syscall.Kill(-os.Getpid(), syscall.SIGKILL)
	}
}
