//go:build !unix

package app

import "net/netip"

// socketAddress finds nothing: Caddy takes descriptors on Unix alone.
func socketAddress(string) (netip.AddrPort, bool) { return netip.AddrPort{}, false }
