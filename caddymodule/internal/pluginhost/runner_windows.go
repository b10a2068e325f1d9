package pluginhost

import (
	"os"
	"syscall"
)

// ownGroup keeps Ctrl-C in the host's console from the process.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup kills p. What p started is not found on Windows; it ends with its
// lifeline if it reads one.
func killGroup(p *os.Process) {
	_ = p.Kill()
}
