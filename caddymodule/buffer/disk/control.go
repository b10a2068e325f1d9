package disk

import "github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"

// writeControl writes the control file. Where the disk is short of space, that can wait.
func (b *Buffer) writeControl(closed bool) {
	if b.failure.Err() != nil || b.tight.Load() || b.fs.Full() != nil {
		return
	}
	if err := b.fs.WriteControl(b.durable.Load()+1, closed); err != nil && b.failure.Err() == nil {
		b.log.Warn("buffer: the control file cannot be written", "path", b.opts.Path,
			"error", text.FirstLine(err.Error()))
	}
}
