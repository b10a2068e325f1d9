package disk

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// appendTask is one event on its way to the disk. It holds a copy of all it needs, so that a caller who gave up may
// reuse its memory.
type appendTask struct {
	waiter
	key format.DedupeKey
	// group is the last one that the look-up by the caller could see.
	group      uint64
	digest     uint64
	unreadable bool
	// record lacks its trailer; sum is its checksum so far.
	record  []byte
	sum     uint32
	receipt buffer.Receipt
	recovery
	// lettered: it has become a dead letter.
	lettered bool
	// differs is what the caller has found under the id, if it is another event.
	differs *format.Seen
	// pool is where it goes when it is done.
	pool *sync.Pool
}

// recovery is how an event is appended that comes from damaged files. The zero value is for all others.
type recovery struct {
	// instead is the position of the stored event that this one is to replace, since it cannot be read; 0 for none.
	instead uint64
	// conflict: it was a dead letter for its conflict with another event of its id, and becomes one again, even where
	// that one is not known any more.
	conflict bool
}

// appended is what becomes of an event.
type appended struct {
	buffer.Receipt
	// lettered: it became a dead letter just now.
	lettered bool
}

// maxPooled keeps a few large events from staying in the pool for good.
const maxPooled = 64 << 10

func (c *committer) newAppendTask(e *buffer.Event) *appendTask {
	t, ok := c.appends.Get().(*appendTask)
	if !ok {
		t = &appendTask{waiter: newWaiter(), pool: &c.appends}
	}
	t.reset()
	t.key = format.MakeDedupeKey(e.Source, e.ID)
	t.digest = e.Digest
	t.unreadable = e.Unreadable != ""
	t.record = format.AppendEvent(t.record[:0], e)
	t.sum = format.Checksum(t.record)
	t.receipt = buffer.Receipt{}
	t.differs = nil
	t.recovery = recovery{}
	t.lettered = false
	return t
}

func (t *appendTask) release() {
	if cap(t.record) <= maxPooled {
		t.pool.Put(t)
	}
}

// Append implements buffer.Buffer.
func (b *Buffer) Append(ctx context.Context, e *buffer.Event) (buffer.Receipt, error) {
	a, err := b.append(ctx, e, recovery{})
	return a.Receipt, err
}

func (b *Buffer) append(ctx context.Context, e *buffer.Event, r recovery) (appended, error) {
	if err := ctx.Err(); err != nil {
		return appended{}, err
	}
	if n := len(e.Body); n > format.MaxEvent {
		return appended{}, fmt.Errorf("appending event: %d bytes are more than the %d that the buffer takes",
			n, format.MaxEvent)
	}
	t := b.committer.newAppendTask(e)
	t.recovery = r
	receipt, stored, err := b.lookUp(t)
	if err != nil || stored {
		t.release()
		return appended{Receipt: receipt}, wrapAppend(err)
	}
	if err := b.full(len(t.record)); err != nil {
		b.refusedSize.Store(int64(len(t.record)))
		t.release()
		return appended{}, wrapAppend(err)
	}
	done, err := b.committer.do(ctx, t, &t.waiter)
	if !done {
		return appended{}, wrapAppend(err)
	}
	a := appended{Receipt: t.receipt, lettered: t.lettered}
	t.release()
	if err != nil {
		return appended{}, wrapAppend(err)
	}
	if b.refusedSize.Load() != 0 {
		b.refusedSize.Store(0)
	}
	return a, nil
}

func wrapAppend(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("appending event: %w", err)
}

// lookUp finds a stored duplicate. It runs in the caller, side by side with others, so that the committer seldom has to
// read.
func (b *Buffer) lookUp(t *appendTask) (r buffer.Receipt, stored bool, err error) {
	t.group = b.committed.Load()
	if b.dedupe.Excludes(t.key) {
		return buffer.Receipt{}, false, nil
	}
	since := b.clock.Ago(b.limits.Load().DedupeWindow)
	err = b.use(func(db *store.DB) error {
		s, ok, err := b.findSeen(db, t.key, since)
		switch {
		case !ok:
		case t.instead > 0 && s.Position == t.instead:
		case s.Digest != t.digest:
			t.differs = &s
		// What is not synced yet is left to the committer: it answers after the sync.
		case s.Position <= b.durable.Load():
			r, stored = buffer.Receipt{Position: s.Position, Duplicate: true}, true
			b.counters.duplicates.Add(1)
		}
		return err
	})
	return r, stored, err
}

// findSeen takes damage in the index for "not found": storing an event twice is better than not at all.
func (b *Buffer) findSeen(db *store.DB, k format.DedupeKey, since int64) (format.Seen, bool, error) {
	s, ok, err := b.dedupe.Find(db, k, since)
	if err != nil && pebble.IsCorruptionError(err) {
		b.log.Error("buffer: the dedupe index is damaged, an event may be stored twice",
			"error", text.FirstLine(err.Error()))
		return format.Seen{}, false, nil
	}
	return s, ok, err
}

func (t *appendTask) size() int {
	return len(t.record) + format.EventTrailerSize + format.EntryOverhead
}

func (t *appendTask) stage(g *group) error {
	s, ok, err := g.lookUp(t.key, t.group)
	if err != nil {
		return err
	}
	if !ok && t.differs != nil && t.differs.StoredAt >= g.seenSince() {
		s, ok = *t.differs, true
	}
	switch {
	case t.conflict && (!ok || s.Digest != t.digest):
		t.receipt = buffer.Receipt{Position: s.Position, Duplicate: true, Differs: true}
		return t.stageConflict(g)
	case !ok, s.Unreadable && !t.unreadable, t.instead > 0 && s.Position == t.instead:
		t.receipt = buffer.Receipt{Position: g.c.next}
		g.stageSeen(t.key, t)
		g.stageEvent(t)
		g.b.counters.appended.Add(1)
		return nil
	case s.Digest == t.digest:
		t.receipt = buffer.Receipt{Position: s.Position, Duplicate: true}
	default:
		t.receipt = buffer.Receipt{Position: s.Position, Duplicate: true, Differs: true}
		if err := t.stageConflict(g); err != nil {
			return err
		}
	}
	g.b.counters.duplicates.Add(1)
	return nil
}

// lookUp finds what is seen under a key, also in this group. What the caller has looked up need not be read again: group
// is the last one that it could see.
func (g *group) lookUp(key format.DedupeKey, group uint64) (format.Seen, bool, error) {
	since := g.seenSince()
	s, ok := g.b.dedupe.JustAdded(key)
	if !ok && !g.b.dedupe.Covers(group) {
		var err error
		if s, ok, err = g.b.findSeen(g.db, key, since); err != nil {
			return format.Seen{}, false, err
		}
	}
	return s, ok && s.StoredAt >= since, nil
}

// stageSeen writes the dedupe entry of the next position.
func (g *group) stageSeen(key format.DedupeKey, t *appendTask) {
	s := format.Seen{Position: g.c.next, StoredAt: g.now, Digest: t.digest, Unreadable: t.unreadable}
	op := g.batch.SetDeferred(format.DedupeKeySize, format.SeenSize)
	bucket := g.b.dedupe.Bucket(g.now, g.seenSince())
	format.AppendDedupeKey(op.Key[:0], bucket, key)
	s.Put(op.Value)
	_ = op.Finish()
	g.b.dedupe.Add(bucket, key, s, g.number)
}

// stageEvent writes the record at the next position, or the dead letter of an unreadable event.
func (g *group) stageEvent(t *appendTask) {
	if t.unreadable {
		g.stageLetterOnly(t, buffer.ReasonUnreadable)
		return
	}
	size := len(t.record) + format.EventTrailerSize
	position := g.c.next
	g.c.next++
	g.c.total += format.Cost(size)
	record := g.events.Record(size)
	copy(record, t.record)
	format.FinishEvent(record, t.sum, position, format.Trailer{StoredAt: g.now, Total: g.c.total})
	g.b.eventBytes.Add(int64(format.Cost(size)))
}

// stageLetterOnly makes a dead letter of an event that no handler gets. It takes a position, which stays a gap.
func (g *group) stageLetterOnly(t *appendTask, reason buffer.Reason) {
	position := g.c.next
	g.c.next++
	raw := slices.Concat(t.record, make([]byte, format.EventTrailerSize))
	total := g.c.total + format.Cost(len(raw))
	format.FinishEvent(raw, t.sum, position, format.Trailer{StoredAt: g.now, Total: total})
	t.lettered = true
	g.events.Gap()
	g.stageDeadLetter(format.DeadLetter{Reason: reason, Position: position, Record: raw})
}

func (t *appendTask) done(err error) {
	if !t.finish(err) {
		t.release()
	}
}
