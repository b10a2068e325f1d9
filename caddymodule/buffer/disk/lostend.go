package disk

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// lacksEnd reports whether the log ends before a position that was given, and may go on behind it. most is how many
// positions it lacks at most beside those that are known.
func (b *Buffer) lacksEnd() (lacks bool, most uint64, err error) {
	_, next := b.events.Next()
	_, rebuilt, err := getMaybe(b.db, format.MetaRebuild)
	if err != nil || rebuilt {
		return false, 0, err // see finishRebuild
	}
	given, current := b.fs.Given()
	lacks, most = b.events.LostEnd()
	switch {
	case current || b.opts.controlCurrent, !lacks && next < b.beginAt:
		most = 0
	case !lacks:
		most = spare
	}
	return lacks || next < b.beginAt || b.opts.passLost && next < given, min(most, spare), nil
}

// spareAtOnce is how many positions a group passes over.
const spareAtOnce = 1 << 16

// endBehindLost has the log go on behind all positions that may have been given, where its end is lost. Up to what is
// known they read as damaged; beyond, nobody knows whether there was an event, and they are gaps: as many as there may
// have been.
func (b *Buffer) endBehindLost(most uint64) error {
	group, next := b.events.Next()
	if err := b.noteLost(eventlog.Recovered{}, group); err != nil {
		return err
	}
	// Before the log looks as if nothing were missing.
	if err := b.db.Flush(); err != nil {
		return err
	}
	known, _ := b.fs.Given()
	known = max(known, next)
	upTo := max(known+most, b.beginAt)
	if err := b.events.EndBefore(known); err != nil {
		return err
	}
	b.log.Error("buffer: the end of the log of events is lost: events that are known to be missing are dead letters, "+
		"and some may be missing that nobody knows of", "path", b.opts.Path, "from position", next, "known", known-next,
		"next position", upTo)
	a, _, err := b.loadApplied()
	if err != nil {
		return err
	}
	var g eventlog.Group
	batch := b.db.NewBatch()
	defer func() { _ = batch.Close() }()
	for a.next = known; a.next < upTo; {
		a.group, _ = b.events.Next()
		a.group++
		g.Reset(a.group, a.next)
		for n := 0; n < spareAtOnce && a.next < upTo; n++ {
			g.Gap()
			a.next++
		}
		batch.Reset()
		_ = batch.Set(format.MetaApplied, a.encode(), nil)
		if err := errors.Join(b.events.Append(&g, batch.Repr()), b.db.Apply(batch, pebble.NoSync)); err != nil {
			return err
		}
	}
	return nil
}
