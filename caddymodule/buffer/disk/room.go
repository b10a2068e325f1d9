package disk

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// extent is what is stored, from the oldest event to the room behind the newest one.
type extent struct {
	oldest time.Time
	room   *uint64
}

// lookExtent reads it from the disk, for Stats, which waits for no disk.
func (b *Buffer) lookExtent() {
	b.extent.Store(&extent{oldest: b.oldestStored(), room: b.room()})
}

// room is about how many bytes more can be stored until events are refused. nil where the disk does not say.
func (b *Buffer) room() *uint64 {
	limits := b.limits.Load()
	settled, err := b.settledBytes(limits)
	if err != nil {
		return nil
	}
	room := hundredths(limits.MaxSize, refuseAbove) - int64(b.bytes()) + settled
	if b.diskBytes.Load() > 0 {
		room = min(room, int64(b.diskFree.Load())-int64(limits.Headroom)+settled)
	}
	if b.fs.Full() != nil {
		room = 0
	}
	bytes := uint64(max(0, room))
	return &bytes
}

// settledBytes is what the events take that can go at once where room is needed.
func (b *Buffer) settledBytes(limits *Limits) (int64, error) {
	limit, _, err := b.settledUpTo(limits, false)
	if err != nil {
		return 0, err
	}
	var freed int64
	err = b.use(func(*store.DB) error {
		first, gone := b.first.Load(), b.gone.Load()
		if limit < first {
			return nil
		}
		last, err := b.lastIntact(first, limit)
		if last.position != 0 {
			freed = max(0, int64(last.trailer.Total)-int64(gone))
		}
		return err
	})
	return freed, err
}

// oldest is when the event at a position was stored.
type oldest struct {
	position uint64
	at       time.Time
}

// oldestStored returns when the oldest event was stored, zero where there is none or it cannot be read.
func (b *Buffer) oldestStored() time.Time {
	first, last := b.first.Load(), b.durable.Load()
	if first > last {
		return time.Time{}
	}
	if known := b.oldest.Load(); known != nil && known.position == first {
		return known.at
	}
	var at time.Time
	err := b.use(func(*store.DB) error {
		f, err := b.firstIntact(first, last)
		if f.position != 0 {
			at = since(f.trailer.StoredAt)
		}
		return err
	})
	if err != nil {
		return time.Time{}
	}
	if !at.IsZero() {
		b.oldest.Store(&oldest{first, at})
	}
	return at
}
