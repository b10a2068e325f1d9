package status

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// othersWrite are the permissions with which others can take the buffer's files away, or put their own in their place.
const othersWrite fs.FileMode = 0o022

// folderAttention is about a folder into which other users can write.
func folderAttention(b *buffer.Stats) []api.Attention {
	if b.FolderMode&othersWrite == 0 {
		return nil
	}
	return []api.Attention{{Kind: api.FolderOpen, Level: api.LevelWarning,
		What: fmt.Sprintf("other users can write into the buffer's folder %s (mode %04o), and so delete events",
			b.Path, b.FolderMode),
		Do: "chmod 700 " + b.Path,
	}}
}

// folderNotices is about a folder into which other users can only look. The files in it are for their owner.
func folderNotices(b *buffer.Stats) []api.Notice {
	if b.FolderMode == 0 || b.FolderMode&othersWrite != 0 {
		return nil
	}
	return []api.Notice{{
		What: fmt.Sprintf("other users can look into the buffer's folder %s (mode %04o), though not into its files",
			b.Path, b.FolderMode),
		Do: "chmod 700 " + b.Path,
	}}
}

// haltedAdvice says what to do about a buffer that has halted. Where its directory is another one now, nothing is the
// matter with the disk.
func haltedAdvice(halted error) string {
	e, ok := errors.AsType[*buffer.ReplacedError](halted)
	switch {
	case !ok:
		return "see to the disk, then restart Caddy; nothing that was answered 200 is lost"
	case e.File != "":
		return fmt.Sprintf("put it back if it was moved, see that nothing else writes into %s, then restart Caddy", e.Dir)
	case e.Now == buffer.NowOtherVolume:
		return fmt.Sprintf("unmount what lies over %s, or mount the buffer's own volume there again, then restart Caddy;"+
			" what was answered 200 is on that volume", e.Dir)
	case e.Now == buffer.NowNothing:
		return fmt.Sprintf("move it back to %s, or mount its volume there again, then restart Caddy;"+
			" what was answered 200 is in it", e.Dir)
	default:
		return fmt.Sprintf("move what is at %s away and the buffer's own directory back, then restart Caddy;"+
			" what was answered 200 is in it", e.Dir)
	}
}
