package child

import (
	"fmt"
	"os"
	"strings"
)

// alive reports whether a process is there and no zombie, which a container without an init keeps.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}
