package disk

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
)

// writeControl writes down how things stand. Where the disk is short of space it can wait.
func (b *Buffer) writeControl(closed bool) {
	if b.failure.Err() != nil || b.tight.Load() || b.fs.Full() != nil {
		return
	}
	t := b.fs.Control.State(b.durable.Load()+1, closed)
	if err := b.fs.Control.Write(b.fs, b.opts.Path, t); err != nil && b.failure.Err() == nil {
		b.log.Warn("buffer: the control file cannot be written", "path", b.opts.Path, "error", failstop.OneLine(err.Error()))
	}
}
