package integration

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// memory is what a process has in memory, in bytes, now and at most.
type memory struct{ now, peak int64 }

func (p *process) memory() memory {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return memory{}
	}
	defer f.Close()
	var m memory
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			m.now = kib << 10
		case "VmHWM:":
			m.peak = kib << 10
		}
	}
	return m
}

// files is how many descriptors a process has open.
func (p *process) files() int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return len(entries)
}

// forgetPeak begins the measuring of the peak anew.
func (p *process) forgetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

// needFiles gives the test and Caddy as many descriptors as that many connections take.
// Go raises its own limit to what is allowed as soon as it starts.
func needFiles(t *testing.T, p *process, connections int) {
	t.Helper()
	need := uint64(connections) + 1000
	for who, pid := range map[string]int{"the test": os.Getpid(), "Caddy": p.cmd.Process.Pid} {
		var limit unix.Rlimit
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
			t.Fatal(err)
		}
		if limit.Cur >= need {
			continue
		}
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: need, Max: max(need, limit.Max)}, nil); err != nil {
			t.Fatalf("%s may open %d files and needs %d: raise the limit (ulimit -n %d) or attack with fewer connections: %v",
				who, limit.Cur, need, need, err)
		}
	}
}
