package status

import (
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
	return []api.Attention{{Level: api.LevelWarning,
		What: fmt.Sprintf("other users can write into the buffer's folder %s (mode %04o), and so delete events", b.Path, b.FolderMode),
		Do:   "chmod 700 " + b.Path,
	}}
}

// folderNotices is about a folder into which other users can only look. The files in it are for their owner.
func folderNotices(b *buffer.Stats) []api.Notice {
	if b.FolderMode == 0 || b.FolderMode&othersWrite != 0 {
		return nil
	}
	return []api.Notice{{
		What: fmt.Sprintf("other users can look into the buffer's folder %s (mode %04o), though not into its files", b.Path, b.FolderMode),
		Do:   "chmod 700 " + b.Path,
	}}
}
