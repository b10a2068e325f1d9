//go:build unix && !linux

package child

import (
	"errors"
	"syscall"
)

// LimitsMemory reports whether Spec.Memory works on this system.
const LimitsMemory = false

func attributes(shareGroup bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: !shareGroup}
}

func limitMemory(int, uint64) error { return errors.ErrUnsupported }
