package disk

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

var (
	_ buffer.Buffer     = (*Buffer)(nil)
	_ buffer.AliveNoter = (*Buffer)(nil)
	_ buffer.Consumer   = (*Consumer)(nil)
)

// use runs f with the store. It fails once the buffer is halted or closed.
func (b *Buffer) use(f func(*store.DB) error) error {
	b.dbMu.RLock()
	defer b.dbMu.RUnlock()
	if err := b.usable(); err != nil {
		return err
	}
	return f(b.db)
}

// usable returns why nothing can be done, nil if it can. Callers hold dbMu.
func (b *Buffer) usable() error {
	if err := b.failure.Err(); err != nil {
		return err
	}
	if b.db == nil {
		return buffer.ErrClosed
	}
	return nil
}

func (b *Buffer) bytes() uint64 {
	return uint64(max(0, b.eventBytes.Load()+b.asideBytes.Load()))
}

// wakeAll wakes every Lease to look again.
func (b *Buffer) wakeAll() {
	for _, st := range b.allConsumers() {
		st.changed.wake()
	}
}

func (b *Buffer) allConsumers() []*consumerState {
	b.consumersMu.Lock()
	defer b.consumersMu.Unlock()
	all := make([]*consumerState, 0, len(b.consumers))
	for _, st := range b.consumers {
		all = append(all, st)
	}
	return all
}

func (b *Buffer) consumerNamed(name string) *consumerState {
	b.consumersMu.Lock()
	defer b.consumersMu.Unlock()
	return b.consumers[name]
}

// get returns a copy of a small value.
func (b *Buffer) get(key []byte) ([]byte, error) {
	v, closer, err := b.db.Get(key)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte{}, v...), nil
}

// getMaybe returns a copy of a value, and whether it is there.
func getMaybe(db *store.DB, key []byte) ([]byte, bool, error) {
	v, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer closer.Close()
	return append([]byte{}, v...), true, nil
}

// sizeOf returns the size of a value, 0 if it is not there.
func sizeOf(db *store.DB, key []byte) (int, error) {
	v, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	return len(v), nil
}
