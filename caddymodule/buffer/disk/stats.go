package disk

import (
	"io/fs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Stats implements buffer.Buffer.
func (b *Buffer) Stats() buffer.Stats {
	s := buffer.Stats{
		Path:        b.opts.Path,
		First:       b.first.Load(),
		Last:        b.durable.Load(),
		DeadLetters: b.deadCount.Load(),
		Bytes:       b.bytes(),
		Syncs:       b.counters.syncs.Load(),
		Appended:    b.counters.appended.Load(),
		Duplicates:  b.counters.duplicates.Load(),
		Corrupt:     b.counters.corrupt.Load(),
		Unreadable:  b.counters.unreadable.Load(),
		Conflicts:   b.counters.conflicts.Load(),
		Halted:      b.failure.Err(),
		Full:        b.noRoom(int(b.refusedSize.Load())),
		Writing:     b.committer.writing(),
		ClockJump:   b.clockJump(),
		DiskBytes:   b.diskBytes.Load(),
		FolderMode:  fs.FileMode(b.folderMode.Load()),
		ControlLost: b.controlLost(),
	}
	if s.Last == 0 {
		s.First = 0
	}
	if e := b.extent.Load(); e != nil {
		s.Oldest, s.Room = e.oldest, e.room
	}
	if d := b.setAside.Load(); d != nil {
		s.Damaged = *d
	}
	if d := b.probed.Load(); d != nil {
		s.FileSystem, s.SyncMedian, s.SyncMax = d.FileSystem, d.Median, d.Max
	}
	return s
}

// Limits implements buffer.Buffer.
func (b *Buffer) Limits() buffer.Limits { return buffer.Limits(*b.limits.Load()) }
