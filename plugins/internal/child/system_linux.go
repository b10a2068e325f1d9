package child

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// LimitsMemory reports whether Spec.Memory works on this system.
const LimitsMemory = true

func attributes(shareGroup bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: !shareGroup, Pdeathsig: syscall.SIGKILL}
}

// limitMemory bounds the data of a process that has just been started. RLIMIT_AS would also count address space that
// is reserved and not used, of which Node and Go take gigabytes.
func limitMemory(pid int, bytes uint64) error {
	limit := unix.Rlimit{Cur: bytes, Max: bytes}
	return unix.Prlimit(pid, unix.RLIMIT_DATA, &limit, nil)
}
