// Package proc reads what the operating system has counted of a process: processor
// time, bytes written, memory. On Linux it reads /proc; elsewhere nothing is known and
// Read says so.
package proc

import (
	"errors"
	"time"
)

// ErrUnknown says that this operating system's counters are not read.
var ErrUnknown = errors.New("the use of a process is not known on this operating system")

// Use is what a process has used since its start, its children not included.
type Use struct {
	// CPU is the processor time in user and kernel mode, of all threads. Linux gives it in
	// steps of 10 ms.
	CPU time.Duration
	// Written is how many bytes the process has given to the disk, in whole pages of 4 KiB: a
	// page that is synced and then written again counts twice, as the disk gets it twice. The
	// file system's own journal is not in it.
	Written int64
	// Resident is the memory in use now, Peak the most so far, in bytes.
	Resident, Peak int64
}

// Since returns what was used between an earlier look and this one; the memory is as it
// is now.
func (u Use) Since(earlier Use) Use {
	u.CPU -= earlier.CPU
	u.Written -= earlier.Written
	return u
}
