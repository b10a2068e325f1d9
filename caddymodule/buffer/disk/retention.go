package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const (
	sweepEvery    = 30 * time.Second
	headroomEvery = time.Second
	// Settled events go early above trimAbove hundredths of the size limit, until trimTo is reached.
	trimAbove, trimTo = 90, 85
)

// keep looks after the limits until Close or the seal.
func (b *Buffer) keep() {
	sweep, headroom := time.NewTicker(sweepEvery), time.NewTicker(headroomEvery)
	defer sweep.Stop()
	defer headroom.Stop()
	for {
		select {
		case <-b.closing:
			return
		case <-b.seal.broken:
			return
		case <-headroom.C:
			b.checkHeadroom()
			continue
		case <-sweep.C:
		case <-b.sweep:
		}
		if err := b.trim(context.Background()); err != nil && !errors.Is(err, buffer.ErrClosed) && b.seal.err() == nil {
			b.log.Error("buffer: trimming old events failed, it is tried again", "error", oneLine(err.Error()))
		}
	}
}

// askSweep has the keeper trim soon.
func (b *Buffer) askSweep() {
	select {
	case b.sweep <- struct{}{}:
	default:
	}
}

// full says whether an event of this size has no room.
func (b *Buffer) full(size int) error {
	if b.tight.Load() {
		return fmt.Errorf("%w: the disk has less than the headroom of %d bytes free", buffer.ErrFull, b.limits.Load().Headroom)
	}
	have, limit := b.bytes(), b.limits.Load().MaxSize
	if have >= limit/100*trimAbove {
		b.askSweep()
	}
	if have+cost(size) > limit {
		return fmt.Errorf("%w: max_size is %d bytes and events that are not settled fill it", buffer.ErrFull, limit)
	}
	return nil
}

// checkHeadroom asks the disk how much is free.
func (b *Buffer) checkHeadroom() {
	usage, err := b.opts.FS.GetDiskUsage(b.opts.Path)
	if err != nil {
		if !errors.Is(err, vfs.ErrUnsupported) {
			b.log.Warn("buffer: cannot tell how much of the disk is free", "error", err)
		}
		b.tight.Store(false)
		return
	}
	tight := usage.AvailBytes < b.limits.Load().Headroom
	if was := b.tight.Swap(tight); was != tight {
		if tight {
			b.log.Error("buffer: the disk is nearly full, events are refused until there is room", "free", usage.AvailBytes)
		} else {
			b.log.Info("buffer: the disk has room again", "free", usage.AvailBytes)
		}
	}
}

// trim removes what retention no longer keeps.
func (b *Buffer) trim(ctx context.Context) error {
	b.trimming.Lock()
	defer b.trimming.Unlock()
	limits, now := b.limits.Load(), b.now()
	to, total, err := b.trimPoint(limits, now)
	if err != nil {
		return fmt.Errorf("finding old events: %w", err)
	}
	for more := true; more; {
		t := &trimTask{
			waiter: newWaiter(), to: to, total: total,
			lettersBefore: deadLetterKey(now.Add(-limits.DeadLetterRetention), 0, ""),
		}
		done, err := b.committer.do(ctx, t, &t.waiter)
		if err != nil {
			return err
		}
		more = done && t.moreLetters
	}
	return nil
}

// trimPoint finds the last position that may go and that age or size wants gone,
// and the total size up to it. 0: none.
func (b *Buffer) trimPoint(limits *Limits, now time.Time) (to, total uint64, err error) {
	limit, holders, err := b.settledUpTo()
	if err != nil {
		return 0, 0, err
	}
	excess := int64(b.bytes()) - int64(limits.MaxSize/100*trimTo)
	if int64(b.bytes()) < int64(limits.MaxSize/100*trimAbove) {
		excess = 0
	}
	if excess > 0 && limit < b.first.Load() {
		b.log.Warn("buffer: near max_size, and nothing can go: these consumers have not settled the oldest event",
			"consumers", strings.Join(holders, ", "), "position", limit+1)
	}
	cutoff := now.Add(-limits.Retention).UnixNano()
	err = b.use(func(db *pebble.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{
			LowerBound: appendEventKey(nil, b.first.Load()),
			UpperBound: appendEventKey(nil, limit+1),
		})
		if err != nil {
			return err
		}
		defer it.Close()
		if !it.First() {
			return it.Error()
		}
		first, _ := eventPosition(it.Key())
		_, t, err := openRecord(it.Value(), first)
		if err != nil {
			t = trailer{}
		}
		start := t.total
		// Clock and size grow with the position, so the first event that stays can be searched for.
		n := sort.Search(int(limit+1-first), func(i int) bool {
			t, ok := trailerFrom(it, first+uint64(i))
			return ok && t.storedAt > cutoff && int64(t.total-start) >= excess
		})
		if n == 0 {
			return nil
		}
		to = first + uint64(n) - 1
		if it.SeekLT(appendEventKey(nil, to+1)) {
			p, _ := eventPosition(it.Key())
			if _, t, err := openRecord(it.Value(), p); err == nil {
				total = t.total
			}
		}
		return nil
	})
	return to, total, err
}

// trailerFrom reads the trailer of the first sound record at or behind a position.
func trailerFrom(it *pebble.Iterator, position uint64) (trailer, bool) {
	for ok := it.SeekGE(appendEventKey(nil, position)); ok; ok = it.Next() {
		p, _ := eventPosition(it.Key())
		if _, t, err := openRecord(it.Value(), p); err == nil {
			return t, true
		}
	}
	return trailer{}, false
}

// settledUpTo returns the position up to which every consumer that the store knows, open
// or not, has settled everything, and who holds it there.
func (b *Buffer) settledUpTo() (limit uint64, holders []string, err error) {
	limit = b.durable.Load()
	for _, st := range b.allConsumers() {
		var up uint64
		err := b.use(func(db *pebble.DB) (err error) {
			up, err = st.settledUpTo(db, b.first.Load())
			return err
		})
		if err != nil {
			return 0, nil, err
		}
		if up < limit {
			limit, holders = up, nil
		}
		if up == limit {
			holders = append(holders, st.name)
		}
	}
	return limit, holders, nil
}

func (st *consumerState) settledUpTo(db *pebble.DB, first uint64) (uint64, error) {
	// The position first: an event deferred after this look is above it.
	st.mu.Lock()
	up := st.progress.low
	st.mu.Unlock()
	prefix := namePrefix(kindDeferredAt, st.name)
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	// What is below the first event lives from a copy.
	if it.SeekGE(deferredAtKey(st.name, first)) && len(it.Key()) == len(prefix)+8 {
		up = min(up, binary.BigEndian.Uint64(it.Key()[len(prefix):])-1)
	}
	return up, it.Error()
}
