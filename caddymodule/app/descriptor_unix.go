//go:build unix

package app

import (
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// socketAddress is where the listening socket of TCP behind a descriptor, in decimal, can be dialled: a service manager
// has opened it, and the config says the descriptor alone. It is false for what is no such socket.
func socketAddress(descriptor string) (netip.AddrPort, bool) {
	fd, err := strconv.ParseUint(descriptor, 0, 31)
	if err != nil {
		return netip.AddrPort{}, false
	}
	kind, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil || kind != syscall.SOCK_STREAM {
		return netip.AddrPort{}, false
	}
	name, err := syscall.Getsockname(int(fd))
	if err != nil {
		return netip.AddrPort{}, false
	}
	var local net.TCPAddr
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		local = net.TCPAddr{IP: name.Addr[:], Port: name.Port}
	case *syscall.SockaddrInet6:
		local = net.TCPAddr{IP: name.Addr[:], Port: name.Port}
	default:
		return netip.AddrPort{}, false
	}
	return local.AddrPort(), true
}
