package child

import (
	"errors"
	"os"
	"syscall"
)

// LimitsMemory reports whether Spec.Memory works on this system.
const LimitsMemory = false

// attributes keeps Ctrl-C in the console from the program.
func attributes(bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func limitMemory(int, uint64) error { return errors.ErrUnsupported }

// killGroup kills p. What p started is not found on Windows.
func killGroup(p *os.Process) { _ = p.Kill() }

// LeadsGroup is false: Windows has no process groups of that kind.
func LeadsGroup() bool { return false }

// KillOwnGroup does nothing.
func KillOwnGroup() {}
