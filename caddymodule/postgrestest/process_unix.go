//go:build unix

package postgrestest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// nobody runs the server where the tests run as root.
const nobody = 65534

func isRoot() bool { return os.Getuid() == 0 }

// give hands a folder to who runs the server.
func give(dir string) error {
	if !isRoot() {
		return nil
	}
	return os.Chown(dir, nobody, nobody)
}

// asAnother makes a process one of nobody where this one is root's.
func asAnother(cmd *exec.Cmd) {
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if isRoot() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
}

// Kill ends the server and all its children at once, as a power cut would.
func (s *Server) Kill() {
	s.signal(syscall.SIGSTOP) // so that it starts no more
	s.signal(syscall.SIGKILL)
	s.process = nil
}

// Freeze stops the server and its children where they are: connections stay open, and nothing answers.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets them go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// signal reaches the server first, then its children, each of which is a process group of its own.
func (s *Server) signal(number syscall.Signal) {
	if s.process == nil {
		return
	}
	server := s.process.Process.Pid
	children := childrenOf(server)
	_ = syscall.Kill(server, number)
	for _, child := range children {
		_ = syscall.Kill(child, number)
	}
}

// childrenOf finds children where there is a /proc. Elsewhere those of a killed server end by themselves.
func childrenOf(parent int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var children []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		// What stands in parentheses is the program's name, which may have blanks.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			children = append(children, pid)
		}
	}
	return children
}
