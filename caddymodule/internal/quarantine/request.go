package quarantine

import (
	"net/netip"
	"time"
)

// CodeMismatch is the only code of a refusal whose requests are worth keeping: all others have no signature that could
// ever be right.
const CodeMismatch = "signature_mismatch"

// Request is a request that a receiver refused for its signature, as it came.
type Request struct {
	// Source is the name of the receiver.
	Source string
	// At is when it came.
	At time.Time
	// Code is that of the refusal.
	Code string
	// Signature is the header, 64 hex digits.
	Signature string
	// ContentType is the header.
	ContentType string
	// Network is where it came from, see NetworkOf.
	Network string
	Body    []byte
}

// unknownNetwork is where it is not known.
const unknownNetwork = "unknown"

// NetworkOf returns the network of a client: the /24 of an IPv4 address, the /48 of an IPv6 address.
func NetworkOf(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return unknownNetwork
	}
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return unknownNetwork
	}
	return prefix.String()
}
