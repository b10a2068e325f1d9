package disk

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/damaged"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// beforeLost is what the store knew before changes that are lost: groups of the log that are damaged, and whose changes
// it lacks. It is in the store from before anything is applied that comes behind them, until finishLost.
type beforeLost struct {
	// Group is the first that is lost.
	Group uint64 `json:"group"`
	// Beginning is the record of where the events begin, nil for none.
	Beginning []byte         `json:"beginning"`
	Consumers []consumerThen `json:"consumers"`
}

// consumerThen is the record of a consumer's progress.
type consumerThen struct {
	Name     []byte `json:"name"`
	Progress []byte `json:"progress"`
}

// noteLost notes what the store knows before it goes on without a change. Events that could not be read as such had
// nothing but their dead letters in the group: others take their place.
func (b *Buffer) noteLost(g eventlog.Recovered, after uint64) error {
	_, noted, err := getMaybe(b.db, format.MetaBeforeLost)
	if err != nil {
		return err
	}
	batch := b.db.NewBatch()
	defer func() { _ = batch.Close() }()
	if !noted {
		raw, err := b.encodeBeforeLost(after + 1)
		if err != nil {
			return err
		}
		_ = batch.Set(format.MetaBeforeLost, raw, nil)
	}
	if len(g.Gaps) < spareAtOnce {
		now := b.opts.wall()
		for _, position := range g.Gaps {
			d := format.DeadLetter{Reason: buffer.ReasonUnreadable, Position: position, Damaged: true,
				Note: "its dead letter was damaged on the disk"}
			_ = batch.Set(format.DeadLetterKey(now, position, ""), d.Encode(now), nil)
		}
	}
	return b.db.Apply(batch, pebble.NoSync)
}

func (b *Buffer) encodeBeforeLost(group uint64) ([]byte, error) {
	was := beforeLost{Group: group}
	var err error
	if was.Beginning, _, err = getMaybe(b.db, format.MetaBeginning); err != nil {
		return nil, err
	}
	it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: []byte{format.KindConsumer},
		UpperBound: []byte{format.KindConsumer + 1}})
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		was.Consumers = append(was.Consumers, consumerThen{Name: append([]byte{}, it.Key()[1:]...),
			Progress: append([]byte{}, it.Value()...)})
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("reading the consumers: %w", err)
	}
	text, err := json.Marshal(was)
	if err != nil {
		return nil, err
	}
	return format.AppendChecksum(text), nil
}

// finishLost has every consumer go on from where it was before the first change that is lost. What it has settled since
// cannot be told from what it has deferred since: it gets all of that again, and misses nothing.
func (b *Buffer) finishLost(a applied) (applied, error) {
	raw, ok, err := getMaybe(b.db, format.MetaBeforeLost)
	if err != nil || !ok {
		return a, err
	}
	text, err := format.VerifyChecksum(raw)
	if err != nil {
		return a, fmt.Errorf("reading what was before lost changes: %w", err)
	}
	var was beforeLost
	if err := json.Unmarshal(text, &was); err != nil {
		return a, fmt.Errorf("reading what was before lost changes: %w: %w", format.ErrDamaged, err)
	}
	a.group, a.next = b.events.Next()
	f, err := b.lastIntact(b.events.First(), a.next-1)
	if err != nil {
		return a, err
	}
	a.total = max(a.total, f.trailer.Total)
	if err := b.restoreBefore(&was, a); err != nil {
		return a, fmt.Errorf("going on without lost changes: %w", err)
	}
	return a, b.noteLostAside(&was, a)
}

// restoreBefore counts anew last, when all else is as it should be.
func (b *Buffer) restoreBefore(was *beforeLost, a applied) error {
	batch := b.db.NewBatch()
	defer func() { _ = batch.Close() }()
	_ = batch.Delete(format.MetaBeginning, nil)
	if was.Beginning != nil {
		_ = batch.Set(format.MetaBeginning, was.Beginning, nil)
	}
	_ = batch.Set(format.MetaApplied, a.encode(), nil)
	_ = batch.Set(format.MetaConsumers, []byte{1}, nil)
	_ = batch.Set(format.MetaLost, binary.BigEndian.AppendUint64(nil, a.next), nil)
	then := map[string][]byte{}
	for _, c := range was.Consumers {
		then[string(c.Name)] = c.Progress
	}
	err := b.eachProgress(func(name string, _ *format.Progress, _ error) error {
		p, err := format.ParseProgress(then[name])
		if err != nil {
			p = &format.Progress{} // it was not there then, or cannot be read: from the oldest event on
		}
		if err := b.keepDeferred(batch, name, p); err != nil {
			return err
		}
		return batch.Set(format.ConsumerKey(name), p.Append(nil), nil)
	})
	if err = errors.Join(err, b.db.Apply(batch, pebble.NoSync)); err != nil {
		return err
	}
	batch.Reset()
	if err := b.fixCounts(batch); err != nil {
		return err
	}
	_ = batch.Delete(format.MetaBeforeLost, nil)
	return b.db.Apply(batch, pebble.NoSync)
}

// keepDeferred marks what is deferred now in the progress of then. What lies beyond its window comes as any other
// event; but a consumer's own copy may be all that there is.
func (b *Buffer) keepDeferred(batch *pebble.Batch, name string, p *format.Progress) error {
	prefix := format.NamePrefix(format.KindDeferredAt, name)
	it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: format.After(prefix)})
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }()
	p.Deferred = 0
	for ok := it.First(); ok; ok = it.Next() {
		position, ok := format.PositionBehind(prefix, it.Key())
		if !ok {
			continue
		}
		p.Mark(position)
		if !p.Has(position) {
			_, copied, err := getMaybe(b.db, format.CopyKey(name, position))
			if err != nil {
				return err
			}
			if !copied {
				_ = batch.Delete(it.Key(), nil)
				_ = batch.Delete(format.DeferredKey(name, string(it.Value()), position), nil)
				continue
			}
		}
		p.Deferred++
	}
	return it.Error()
}

// noteLostAside has a person see to it: nothing is set aside, but what is lost cannot be had from anywhere.
func (b *Buffer) noteLostAside(was *beforeLost, a applied) error {
	o := b.opts
	o.FS = b.fs
	note, err := o.setAside(damaged.Note{What: buffer.DamagedChanges, NextPosition: a.next,
		Why: fmt.Sprintf("the log of events is damaged in group %d, or from there on", was.Group)})
	if err != nil {
		return err
	}
	if err := b.db.Flush(); err != nil {
		return fmt.Errorf("going on without lost changes: %w", err)
	}
	b.log.Error("buffer: changes in the log of events are damaged that the store did not have yet: handlers may get "+
		"events again; dead letters, pauses, memos and ids of that time may be missing", "path", b.opts.Path,
		"folder", note.Name, "why", note.Why, "next position", a.next)
	return nil
}
