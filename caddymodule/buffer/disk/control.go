package disk

import "github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"

// controlLost reports whether the control file was missing or damaged when the buffer was opened.
func (b *Buffer) controlLost() bool { return b.opts.controlLost || b.fs.ControlLost() }

func (b *Buffer) logControlLost() {
	if !b.controlLost() {
		return
	}
	b.log.Warn("buffer: the control file is missing or damaged, so the newest events may be missing without a word "+
		"if other files are damaged too; it is written anew", "path", b.opts.Path)
}

// writeControl writes the control file. Where the disk is short of space, that can wait. What is written last is newest,
// whoever calls.
func (b *Buffer) writeControl(closed bool) {
	b.writingControl.Lock()
	defer b.writingControl.Unlock()
	if b.failure.Err() != nil || b.tight.Load() || b.fs.Full() != nil {
		return
	}
	if err := b.fs.WriteControl(b.durable.Load()+1, closed); err != nil && b.failure.Err() == nil {
		b.log.Warn("buffer: the control file cannot be written", "path", b.opts.Path,
			"error", text.FirstLine(err.Error()))
	}
}
