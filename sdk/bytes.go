package sdk

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// Bytes is a size in a config: "64MiB", "10MB", "1024".
type Bytes uint64

// UnmarshalText reads a size with an optional unit: KB, MB, GB for powers of 1000, KiB, MiB, GiB for powers of 1024, in
// upper or lower case.
func (b *Bytes) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a size; write it like \"64MiB\" or \"10MB\"", text)
	}
	*b = Bytes(n)
	return nil
}

// MarshalText writes the size as a plain number of bytes, which reads back exactly.
func (b Bytes) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d", uint64(b)), nil
}

// String writes the size for people, rounded: "64 MiB".
func (b Bytes) String() string { return humanize.IBytes(uint64(b)) }
