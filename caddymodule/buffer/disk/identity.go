package disk

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
)

// IdentityError says that a directory does not have the buffer that Options.Identity names: it is empty, since a volume
// is not mounted or somebody deleted it, or it has another buffer.
type IdentityError = failstop.IdentityError

// Identity is the text by which the buffer is told from others: it was made with the buffer, goes wherever its
// directory goes, and stays the same.
func (b *Buffer) Identity() string { return b.fs.Identity() }
