package machine

import (
	"bufio"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// The files are those of Linux. On other systems they are not there, and nothing is said.
func (s system) look(f *Facts) {
	f.Kernel = s.read("/proc/sys/kernel/osrelease")
	for line := range strings.Lines(s.read("/etc/os-release")) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			f.Name = strings.Trim(value, `"`)
		}
	}
	f.Memory = s.memory()
	f.Cgroup = s.cgroup()
	f.Pressure = s.pressure()
	status := s.pairs("/proc/self/status")
	f.Process.ResidentBytes, f.Process.PeakBytes = kilobytes(status["VmRSS"]), kilobytes(status["VmHWM"])
	f.Process.Threads, _ = strconv.ParseUint(status["Threads"], 10, 64)
	if open, err := os.ReadDir(s.root + "/proc/self/fd"); err == nil {
		f.Process.OpenFiles = len(open)
	}
	f.Process.Limits = s.limits()
}

// pairs reads lines of the form "name: value".
func (s system) pairs(path string) map[string]string {
	pairs := map[string]string{}
	for line := range strings.Lines(s.read(path)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			pairs[name] = strings.TrimSpace(value)
		}
	}
	return pairs
}

// kilobytes reads "123 kB".
func kilobytes(s string) uint64 {
	n, _ := strconv.ParseUint(strings.TrimSuffix(s, " kB"), 10, 64)
	return n << 10
}

func (s system) memory() *Memory {
	m := s.pairs("/proc/meminfo")
	if len(m) == 0 {
		return nil
	}
	return &Memory{
		Total: kilobytes(m["MemTotal"]), Available: kilobytes(m["MemAvailable"]),
		SwapTotal: kilobytes(m["SwapTotal"]), SwapFree: kilobytes(m["SwapFree"]),
	}
}

func (s system) cgroup() *Cgroup {
	for line := range strings.Lines(s.read("/proc/self/cgroup")) {
		at, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		dir := path.Join("/sys/fs/cgroup", path.Clean("/"+at))
		c := Cgroup{
			MemoryMax: s.read(dir + "/memory.max"), MemoryHigh: s.read(dir + "/memory.high"),
			MemoryCurrent: s.read(dir + "/memory.current"), MemoryEvents: s.read(dir + "/memory.events"),
			CPUMax: s.read(dir + "/cpu.max"), CPUStat: s.read(dir + "/cpu.stat"), PIDsMax: s.read(dir + "/pids.max"),
		}
		if c != (Cgroup{}) {
			return &c
		}
	}
	return nil
}

func (s system) pressure() Pressure {
	found := Pressure{}
	for _, name := range []string{"cpu", "io", "memory"} {
		if text := s.read("/proc/pressure/" + name); text != "" {
			found[name] = text
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// columns of /proc/self/limits are apart by two blanks or more.
var columns = regexp.MustCompile(`  +`)

func (s system) limits() map[string]string {
	limits := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(s.read("/proc/self/limits")))
	for lines.Scan() {
		if parts := columns.Split(strings.TrimSpace(lines.Text()), -1); len(parts) > 2 && parts[0] != "Limit" {
			limits[parts[0]] = strings.Join(parts[1:], " ")
		}
	}
	if len(limits) == 0 {
		return nil
	}
	return limits
}
