package disk

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// removeSegments removes the segments that nobody needs.
func (b *Buffer) removeSegments() {
	if err := b.flushAndRemove(); err != nil && b.usableNow() {
		b.log.Warn("buffer: files of trimmed events cannot be removed yet", "error", text.FirstLine(err.Error()))
	}
	b.checkHeadroom()
	// What is missing now is missing in spite of what went.
	b.trimming.Lock()
	b.tightTrim = 0
	b.trimming.Unlock()
}

func (b *Buffer) usableNow() bool { return b.use(func(*store.DB) error { return nil }) == nil }

// flushAndRemove flushes the store, and removes the segments that nobody needs then.
func (b *Buffer) flushAndRemove() error {
	return b.use(func(db *store.DB) error {
		group := b.committed.Load()
		if !b.events.Removable(b.first.Load(), b.flushed.Load()) {
			return nil
		}
		if err := db.Flush(); err != nil {
			return err
		}
		if err := b.failure.Err(); err != nil {
			return err
		}
		b.flushed.Store(group)
		return b.events.Remove(b.first.Load(), group, b.fs.Applied)
	})
}

// flushAll flushes the store, so that the next start has nothing to apply, and damage to the log costs no more than the
// events that it hits. Where the disk is short of space, the log has to do.
func (b *Buffer) flushAll() {
	if b.tight.Load() || b.fs.Full() != nil {
		return
	}
	err := b.use(func(db *store.DB) error { return db.Flush() })
	if err != nil || b.failure.Err() != nil {
		return
	}
	for _, name := range b.events.Names() {
		b.fs.Applied(name)
	}
}

// dropCacheEvery is after how many bytes of events the page cache is looked at.
const dropCacheEvery = 4 << 20

// dropPageCache drops the events from the page cache that all consumers are done with. It has a goroutine of its own,
// since a trim takes time and events come fast.
func (b *Buffer) dropPageCache() {
	_ = b.use(func(*store.DB) error {
		b.events.DropPageCache(b.doneBefore())
		return nil
	})
}

// doneBefore is the first position that a consumer has neither settled nor deferred, the next one if there is none.
// What was deferred is read from the disk when its time has come.
func (b *Buffer) doneBefore() uint64 {
	low := b.durable.Load()
	for _, st := range b.allConsumers() {
		st.mu.Lock()
		low = min(low, st.progress.Low)
		st.mu.Unlock()
	}
	return low + 1
}
