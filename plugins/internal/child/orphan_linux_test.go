package child

import (
	"bufio"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A kill -9 of who started a program is the end of the program too.
func TestKillOfTheStarterLeavesNoOrphan(t *testing.T) {
	for _, group := range []string{"own", "share"} {
		t.Run(group, func(t *testing.T) {
			spec := as("starter", group)
			starter := exec.Command(spec.Program, spec.Args...)
			starter.Env = spec.Env
			starter.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := starter.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := starter.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			if err := starter.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = starter.Wait()
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			late := time.After(patience)
			for alive(pid) {
				select {
				case <-tick.C:
				case <-late:
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatal("the program lives")
				}
			}
		})
	}
}
