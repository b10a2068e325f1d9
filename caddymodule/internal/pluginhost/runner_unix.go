//go:build !windows

package pluginhost

import (
	"os"
	"syscall"
)

// ownGroup puts the process into a group of its own: Ctrl-C in the host's terminal
// does not reach it, and what it starts can be ended with it.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// killGroup kills all processes of p's group. None left is no error.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
}
