package disk

import (
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
)

// removeSegments removes segments that are not needed.
func (b *Buffer) removeSegments() {
	if err := b.flushAndRemove(); err != nil && b.usableNow() {
		b.log.Warn("buffer: files of trimmed events cannot be removed yet", "error", failstop.OneLine(err.Error()))
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

// applyAll has the store on the disk as far as the log is, so that the next start has nothing to replay, and damage to the log costs
// no more than the events that it hits. Where the disk is short of space the log has to do.
func (b *Buffer) flushAll() {
	if b.tight.Load() || b.fs.Full() != nil {
		return
	}
	err := b.use(func(db *pebble.DB) error { return db.Flush() })
	if err != nil || b.failure.Err() != nil {
		return
	}
	for _, name := range b.events.Names() {
		b.fs.Applied(name)
	}
}

// dropCacheEvery is after how many bytes of events it is looked for what need not be kept in the system's memory.
const dropCacheEvery = 4 << 20

// dropPageCache gives the memory back that holds events which all consumers are done with. It does not wait for the keeper, since a
// trim takes time and events come fast.
func (b *Buffer) dropPageCache() {
	_ = b.use(func(*pebble.DB) error {
		b.events.DropPageCache(b.doneBefore())
		return nil
	})
}

// doneBefore is the first position that a consumer has neither settled nor put off, the next one if there is none. What was
// put off is read from the disk when its time has come.
func (b *Buffer) doneBefore() uint64 {
	low := b.durable.Load()
	for _, st := range b.allConsumers() {
		st.mu.Lock()
		low = min(low, st.progress.Low)
		st.mu.Unlock()
	}
	return low + 1
}
