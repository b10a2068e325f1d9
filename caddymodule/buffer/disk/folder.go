package disk

import (
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// checkFolder looks whether others than the owner have a way into the directory. What the buffer makes is for its
// owner only, but the directory may have been there before, and a chmod of somebody else's folder is not the buffer's
// to do: a group may be meant to see it.
func (b *Buffer) checkFolder() {
	if b.opts.FS != vfs.Default {
		return
	}
	mode, err := sharedMode(b.opts.Path)
	if err != nil {
		return // whether it is still there is seen elsewhere
	}
	if was := fs.FileMode(b.folderMode.Swap(uint32(mode))); was == mode || mode == 0 {
		return
	}
	b.log.Warn("buffer: other users have a way into the folder, and events are personal data: chmod 700 it",
		"path", b.opts.Path, "mode", fmt.Sprintf("%04o", mode))
}
