// Package machine looks at what a process runs on: system, limits, disk, and the files of a folder by their names. It
// reads no file of anybody's.
package machine

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Facts are those of the machine and of this process. What is not known is missing.
type Facts struct {
	At       time.Time `json:"at"`
	OS       string    `json:"os"`
	Arch     string    `json:"arch"`
	CPUs     int       `json:"cpus"`
	Kernel   string    `json:"kernel,omitempty"`
	Name     string    `json:"system,omitempty"`
	Memory   *Memory   `json:"memory,omitempty"`
	Cgroup   *Cgroup   `json:"cgroup,omitempty"`
	Pressure Pressure  `json:"pressure,omitempty"`
	Process  Process   `json:"process"`
}

// Memory is that of the machine, in bytes.
type Memory struct {
	Total     uint64 `json:"total_bytes"`
	Available uint64 `json:"available_bytes"`
	SwapTotal uint64 `json:"swap_total_bytes"`
	SwapFree  uint64 `json:"swap_free_bytes"`
}

// Cgroup has the limits of the process's cgroup (version 2), and of none above it, as the kernel writes them: "max" is
// no limit.
type Cgroup struct {
	MemoryMax     string `json:"memory_max,omitempty"`
	MemoryHigh    string `json:"memory_high,omitempty"`
	MemoryCurrent string `json:"memory_current,omitempty"`
	MemoryEvents  string `json:"memory_events,omitempty"`
	CPUMax        string `json:"cpu_max,omitempty"`
	CPUStat       string `json:"cpu_stat,omitempty"`
	PIDsMax       string `json:"pids_max,omitempty"`
}

// Pressure is how long work has waited for each resource, as the kernel writes it.
type Pressure map[string]string

// Process is this process.
type Process struct {
	PID           int    `json:"pid"`
	Goroutines    int    `json:"goroutines"`
	GoMaxProcs    int    `json:"gomaxprocs"`
	GoMemoryLimit int64  `json:"go_memory_limit_bytes,omitempty"`
	HeapBytes     uint64 `json:"go_heap_bytes"`
	SystemBytes   uint64 `json:"go_system_bytes"`
	GCs           uint32 `json:"go_gcs"`
	ResidentBytes uint64 `json:"resident_bytes,omitempty"`
	PeakBytes     uint64 `json:"resident_peak_bytes,omitempty"`
	Threads       uint64 `json:"threads,omitempty"`
	// OpenFiles counts them; which they are is not said.
	OpenFiles int `json:"open_files,omitempty"`
	// Limits are those of the system, each "soft hard unit" as the kernel writes them.
	Limits map[string]string `json:"limits,omitempty"`
}

// Look returns the facts. root is the root of the file system, "" but in tests.
func Look(root string) Facts {
	f := Facts{At: time.Now().UTC(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Process: self()}
	system{root}.look(&f)
	return f
}

// self is what the Go runtime knows.
func self() Process {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p := Process{
		PID: os.Getpid(), Goroutines: runtime.NumGoroutine(), GoMaxProcs: runtime.GOMAXPROCS(0),
		HeapBytes: m.HeapAlloc, SystemBytes: m.Sys, GCs: m.NumGC,
	}
	const none = 1<<63 - 1
	if limit := debug.SetMemoryLimit(-1); limit != none {
		p.GoMemoryLimit = limit
	}
	return p
}

// system reads what the kernel tells in files.
type system struct{ root string }

// mostFacts bounds what is read of such a file.
const mostFacts = 64 << 10

func (s system) read(path string) string {
	f, err := os.Open(s.root + path)
	if err != nil {
		return ""
	}
	defer f.Close()
	content := make([]byte, mostFacts)
	n, _ := readFull(f, content)
	return strings.TrimSpace(string(content[:n]))
}

func readFull(f *os.File, to []byte) (n int, err error) {
	for n < len(to) && err == nil {
		var more int
		more, err = f.Read(to[n:])
		n += more
	}
	return n, err
}
