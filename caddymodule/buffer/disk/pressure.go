package disk

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// In hundredths of max_size: above trimAbove settled events go early, until trimTo is reached; above
// orphansAbove those of orphans go too; above refuseAbove events are refused. What is left then is
// for dead letters and for copies of reopened events, which are never refused.
const (
	trimTo       = 85
	trimAbove    = 90
	orphansAbove = 93
	refuseAbove  = 95
)

func hundredths(size uint64, n int64) int64 { return int64(size/100) * n }

// full returns why an event of this size has no room, nil when it has, and asks for a trim when there is little.
func (b *Buffer) full(size int) error {
	if b.nearFull() {
		b.sweep.fire()
	}
	return b.noRoom(size)
}

// noRoom returns why an event of this size has no room, nil when it has.
func (b *Buffer) noRoom(size int) error {
	limits := b.limits.Load()
	if err := b.fs.Full(); err != nil {
		return err
	}
	if b.tight.Load() {
		return fmt.Errorf("%w: less than the headroom of %d bytes is free", buffer.ErrNoSpace, limits.Headroom)
	}
	if int64(b.bytes()+format.Cost(size)) > hundredths(limits.MaxSize, refuseAbove) {
		return fmt.Errorf("%w: events that are not settled and dead letters fill max_size, %d bytes, of which the "+
			"last twentieth is kept free for settling",
			buffer.ErrFull, limits.MaxSize)
	}
	return nil
}

// nearFull reports whether settled events should go early.
func (b *Buffer) nearFull() bool {
	return int64(b.bytes()) >= hundredths(b.trimLimits(b.clock.Now()).MaxSize, trimAbove)
}

// excess is how many bytes should go to make room. The caller holds trimming.
func (b *Buffer) excess(limits *Limits, now int64) int64 {
	var excess int64
	if b.nearFull() {
		excess = int64(b.bytes()) - hundredths(limits.MaxSize, trimTo)
	}
	if b.missing.Load() == 0 {
		return excess
	}
	// The files shrink a while after the events went. What is missing now must not be freed twice.
	if now-b.tightTrim >= int64(sweepEvery) {
		excess = max(excess, b.missing.Load())
	}
	return excess
}

// checkHeadroom asks the disk how much is free.
func (b *Buffer) checkHeadroom() {
	usage, err := b.opts.FS.GetDiskUsage(b.opts.Path)
	if err != nil {
		if !errors.Is(err, vfs.ErrUnsupported) {
			b.log.Warn("buffer: cannot tell how much of the disk is free", "error", err)
		}
		b.tight.Store(false)
		b.missing.Store(0)
		return
	}
	b.diskFree.Store(usage.AvailBytes)
	b.diskBytes.Store(usage.TotalBytes)
	var missing int64
	if headroom := b.trimLimits(b.clock.Now()).Headroom; usage.AvailBytes < headroom {
		// Somewhat more, or the next event would be one too many again.
		missing = int64(headroom - usage.AvailBytes + headroom/8)
	}
	b.missing.Store(missing)
	tight := usage.AvailBytes < b.limits.Load().Headroom
	was := b.tight.Swap(tight)
	if was == tight {
		return
	}
	if !tight {
		b.log.Info("buffer: the disk has room again", "free", usage.AvailBytes)
		return
	}
	b.log.Error("buffer: the disk is nearly full, events are refused until there is room", "free", usage.AvailBytes)
	b.sweep.fire()
}

// checkMaxSize warns of a max_size that cannot be reached: the disk is full before, and then events are refused while
// those that are done with have not been trimmed.
func (b *Buffer) checkMaxSize() {
	total, limits := b.diskBytes.Load(), b.limits.Load()
	if total > 0 && limits.MaxSize > total {
		b.log.Warn("buffer: max_size is more than the whole disk has: lower it, or use a larger disk",
			"path", b.opts.Path, "max_size", limits.MaxSize, "disk", total)
	}
}

const (
	sweepEvery    = 30 * time.Second
	pressureEvery = time.Second
)
