//go:build !windows

package pluginhost

import (
	"os"
	"syscall"
)

// freeze stops this process as a debugger would: it lives and answers nothing.
func freeze() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	// The signal may come a moment later.
	select {}
}

// newSession takes a process out of its parent's group.
func newSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
