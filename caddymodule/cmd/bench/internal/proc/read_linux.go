package proc

import (
	"fmt"
	"os"
)

// Read looks at a process of this user.
func Read(pid int) (u Use, err error) {
	files := make(map[string][]byte, 3)
	for _, name := range []string{"stat", "io", "status"} {
		if files[name], err = os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)); err != nil {
			return Use{}, fmt.Errorf("reading the use of a process: %w", err)
		}
	}
	if u.CPU, err = parseStat(files["stat"]); err != nil {
		return Use{}, fmt.Errorf("reading /proc/%d/stat: %w", pid, err)
	}
	if u.Written, err = parseIO(files["io"]); err != nil {
		return Use{}, fmt.Errorf("reading /proc/%d/io: %w", pid, err)
	}
	if u.Resident, u.Peak, err = parseStatus(files["status"]); err != nil {
		return Use{}, fmt.Errorf("reading /proc/%d/status: %w", pid, err)
	}
	return u, nil
}
