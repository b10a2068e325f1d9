package disk

// writeControl writes down how things stand. Where the disk is short of space it can wait.
func (b *Buffer) writeControl(closed bool) {
	if b.failure.err() != nil || b.tight.Load() || b.fs.full() != nil {
		return
	}
	t := b.fs.control.state(b.durable.Load()+1, closed)
	if err := b.fs.control.write(b.fs, b.opts.Path, t); err != nil && b.failure.err() == nil {
		b.log.Warn("buffer: the control file cannot be written", "path", b.opts.Path, "error", oneLine(err.Error()))
	}
}
