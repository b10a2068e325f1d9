package disk

import "github.com/cockroachdb/pebble/v2"

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
		low = min(low, st.progress.low)
		st.mu.Unlock()
	}
	return low + 1
}
