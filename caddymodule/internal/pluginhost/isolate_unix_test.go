//go:build !windows

package pluginhost

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// inheritable is a listening socket as a service manager passes it on, open in every process that
// starts from now on, and the number by which the kernel knows it.
func inheritable(t *testing.T) (socket *os.File, inode uint64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	socket = os.NewFile(uintptr(fd), "socket")
	t.Cleanup(func() { _ = socket.Close() })
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		t.Fatal(err)
	}
	if isMarked(t, fd) {
		t.Fatal("the socket would not be inherited anyway")
	}
	return socket, stat.Ino
}

func isMarked(t *testing.T, fd int) bool {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil {
		t.Fatal(err)
	}
	return flags&unix.FD_CLOEXEC != 0
}

// holdsFile reports whether this process has a file open.
func holdsFile(inode string) bool {
	for fd := range 1024 {
		var stat syscall.Stat_t
		if syscall.Fstat(fd, &stat) == nil && fmt.Sprint(stat.Ino) == inode {
			return true
		}
	}
	return false
}

// Caddy's listening sockets, with which a plugin could take connections that are meant for Caddy,
// stay with Caddy.
func TestPluginsInheritNoDescriptor(t *testing.T) {
	socket, inode := inheritable(t)
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	got := handleOne(t, p, fmt.Sprint("holds ", inode))
	if got.Status != dispatch.Retry || got.Error != "false" {
		t.Errorf("the plugin has the host's listening socket: %+v", got)
	}
	// The host still has it.
	ln, err := net.FileListener(socket)
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
}
