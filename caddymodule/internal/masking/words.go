package masking

import (
	"net/netip"
	"regexp"
	"strconv"
	"unicode"
)

// LeftOut stands where something is left out that is not of a config: what a plugin said, or whom something names.
const LeftOut = "(left out)"

var programWord = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._+-]{0,40}|\(devel\))$`)

// ProgramWord reports whether a program's name or version looks like one: what it says of itself may be anything.
func ProgramWord(s string) bool { return programWord.MatchString(s) }

// ManyDigits reports whether a text has more digits than words and names that people choose: it may be an id.
func ManyDigits(s string) bool {
	const most = 5
	digits := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits > most
}

// Network says of an address only in which kind of network it is: whether all webhooks seem to come from a proxy, for
// instance, or whether something listens on this machine only.
func Network(ip netip.Addr) string {
	switch ip = ip.Unmap(); {
	case ip.IsLoopback():
		return "(loopback)"
	case ip.IsUnspecified():
		return "(any address)"
	case ip.IsPrivate(), ip.IsLinkLocalUnicast():
		return "(private)"
	default:
		return "(public)"
	}
}

// standIn is what is shown instead of a text: of an address its kind, with the port or the length of its prefix.
func standIn(s string) string {
	if ip, err := netip.ParseAddr(s); err == nil {
		return Network(ip)
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return Network(a.Addr()) + ":" + strconv.Itoa(int(a.Port()))
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return Network(p.Addr()) + "/" + strconv.Itoa(p.Bits())
	}
	return Masked
}
