package disk

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	minSegment = 64 << 10
	maxSegment = 64 << 20
)

// removeSegments removes segments that are not needed.
func (b *Buffer) removeSegments() {
	if err := b.flushAndRemove(); err != nil && b.usableNow() {
		b.log.Warn("buffer: files of trimmed events cannot be removed yet", "error", oneLine(err.Error()))
	}
	b.checkHeadroom()
	// What is missing now is missing beside what went.
	b.trimming.Lock()
	b.tightTrim = time.Time{}
	b.trimming.Unlock()
}

func (b *Buffer) usableNow() bool { return b.use(func(*pebble.DB) error { return nil }) == nil }

// flushAndRemove has the store on the disk as far as it is now, and removes the segments that nobody needs then.
func (b *Buffer) flushAndRemove() error {
	return b.use(func(db *pebble.DB) error {
		group := b.dedupe.groups.Load()
		if !b.events.Removable(b.first.Load(), b.flushed.Load()) {
			return nil
		}
		if err := db.Flush(); err != nil {
			return err
		}
		if err := b.failure.err(); err != nil {
			return err
		}
		b.flushed.Store(group)
		return b.events.Remove(b.first.Load(), group, b.control.removed)
	})
}

// applyAll has the store on the disk as far as the log is, so that the next start has nothing to replay, and damage to the log costs
// no more than the events that it hits. Where the disk is short of space the log has to do.
func (b *Buffer) flushAll() {
	if b.tight.Load() || b.diskFull.err() != nil {
		return
	}
	err := b.use(func(db *pebble.DB) error { return db.Flush() })
	if err != nil || b.failure.err() != nil {
		return
	}
	for _, name := range b.events.Names() {
		b.control.removed(name)
	}
}
