package disk

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/dedupe"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// Open opens the buffer in o.Path, or creates it. It takes well under a second, whatever is stored. One process can
// have a directory open at a time. Files that are damaged are set aside, see Damaged, and receiving goes on with fresh
// ones. Where another buffer is than Options.Identity says, or none, it fails with an *IdentityError, and makes and
// changes nothing.
func Open(ctx context.Context, o Options) (*Buffer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.Path == "" {
		return nil, fmt.Errorf("opening buffer: no path is given")
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("opening buffer %s: %w", o.Path, err)
	}
	o = o.withDefaults()
	// Before anything is made there; the look is repeated once the directory is locked.
	if err := failstop.CheckIdentity(o.FS, o.Path, o.Identity); err != nil {
		return nil, fmt.Errorf("opening buffer %s: %w", o.Path, err)
	}
	b, err := o.open(nil)
	if damage, is := errors.AsType[*DamageError](err); is {
		o.controlCurrent = damage.current
		return o.openDamaged(ctx)
	}
	return b, err
}

// open makes one attempt. lock is the caller's own, nil where the attempt is to take it.
func (o Options) open(lock *pebble.Lock) (*Buffer, error) {
	b := &Buffer{
		opts:      o,
		log:       o.Log,
		consumers: map[string]*consumerState{},
		damaged:   map[uint64]struct{}{},
		closing:   make(chan struct{}),
		sweep:     newTrigger(),
		removal:   newTrigger(),
		cacheDrop: newTrigger(),
	}
	b.limits.Store(&o.Limits)
	b.fs = failstop.New(failstop.Options{
		FS: o.FS, Path: o.Path, Identity: o.Identity, Log: o.Log, Closing: b.closing, Look: b.finishSetAside,
		LogDamaged: o.passLost,
	})
	b.failure = b.fs.Failure
	db, err := openPebble(o, b.fs, lock)
	if err != nil {
		b.abandon(err)
		return nil, err
	}
	b.db = db
	last, next, total, err := b.load()
	if failed := b.failure.OpenError(); failed != nil {
		err = failed
	}
	if err == nil {
		err = b.fs.CheckPosition(next)
	}
	if err != nil {
		err = openingError(o.Path, err, b.fs, b.known())
		_ = b.closeFiles()
		b.abandon(err)
		return nil, err
	}
	b.committed.Store(last)
	b.committer = newCommitter(b, next, total)
	b.checkHeadroom()
	b.lookExtent()
	b.checkMaxSize()
	b.checkFolder()
	b.lookSetAside()
	b.logControlLost()
	b.lock = lock
	b.loops.Go(b.committer.run)
	b.loops.Go(b.keep)
	b.loops.Go(b.closeOnHalt)
	b.loops.Go(func() { b.onTrigger(b.removal, b.removeSegments) })
	b.loops.Go(func() { b.onTrigger(b.cacheDrop, b.dropPageCache) })
	if o.probe != nil {
		b.loops.Go(b.runProbe)
	}
	if !b.dedupe.Loaded() {
		b.loops.Go(func() { b.dedupe.LoadFilter(b.use, b.closing) })
	}
	return b, nil
}

// abandon sees to it that nothing of a failed attempt reaches the directory any more: where Pebble panicked, parts of
// it may still be at work.
func (b *Buffer) abandon(err error) {
	b.failure.Halt(err)
	b.fs.Release()
}

// formatVersion is that of all the keys and records together. No release wrote an earlier one.
const formatVersion = 4

// load reads what the buffer keeps in memory: a few records, whatever is stored. It returns the last group, the next
// position, and the total size of all events so far.
func (b *Buffer) load() (last, next, total uint64, err error) {
	if err := b.checkFormat(); err != nil {
		return 0, 0, 0, err
	}
	if last, next, total, err = b.openEvents(); err != nil {
		return 0, 0, 0, err
	}
	first, gone, err := b.loadBeginning()
	if err != nil {
		return 0, 0, 0, err
	}
	if is := b.events.First(); is > first {
		return 0, 0, 0, fmt.Errorf("%w: events were stored from position %d on, but only those from %d on are there",
			format.ErrDamaged, first, is)
	}
	if first, err = b.passGaps(first, gone, next); err != nil {
		return 0, 0, 0, err
	}
	b.first.Store(first)
	b.gone.Store(gone)
	b.eventBytes.Store(int64(total - gone))
	b.durable.Store(next - 1)
	if err := b.loadDeadCount(); err != nil {
		return 0, 0, 0, err
	}
	if b.dedupe, err = dedupe.Load(b.db, last); err != nil {
		return 0, 0, 0, err
	}
	if err := b.loadLost(); err != nil {
		return 0, 0, 0, err
	}
	if err := b.loadConsumers(); err != nil {
		return 0, 0, 0, err
	}
	if err := b.checkDeferred(); err != nil {
		return 0, 0, 0, err
	}
	return last, next, total, b.loadClock()
}

// passGaps begins behind positions without an event, which nobody waits for. Their segments may go then; before any
// does, the store is flushed, and with it what is written here.
func (b *Buffer) passGaps(from, gone, next uint64) (first uint64, err error) {
	first = next
	err = b.events.Scan(from, next-1, func(position uint64, _ []byte, _ error) bool {
		first = position
		return false
	})
	if err != nil || first == from {
		return from, err
	}
	return first, b.db.Set(format.MetaBeginning, beginning(first, gone), pebble.NoSync)
}

func (b *Buffer) checkFormat() error {
	v, err := b.get(format.MetaFormat)
	if errors.Is(err, pebble.ErrNotFound) {
		if err := b.db.Set(format.MetaFormat, []byte{formatVersion}, pebble.NoSync); err != nil {
			return err
		}
		return b.db.Flush()
	}
	if err != nil {
		return fmt.Errorf("reading the format version: %w", err)
	}
	if len(v) != 1 || v[0] > formatVersion {
		return fmt.Errorf("%w: the directory has format %v, this version knows only %d", errOtherFormat, v,
			formatVersion)
	}
	if v[0] < formatVersion {
		return fmt.Errorf("%w: the directory has format %d, which was never released; this version knows only %d: "+
			"have the version that wrote it deliver what it holds, then start with an empty "+
			"path", errOtherFormat, v[0], formatVersion)
	}
	return nil
}

// runProbe has the disk probed and logs what it found.
func (b *Buffer) runProbe() {
	found, err := b.opts.probe.Run(b.opts.Path)
	b.probed.Store(&found)
	if err != nil && b.failure.Err() == nil {
		b.log.Warn("buffer: the disk could not be examined completely", "path", b.opts.Path,
			"error", text.FirstLine(err.Error()))
	}
	b.log.Info("buffer: looked at the disk", "path", b.opts.Path, "file_system", found.FileSystem,
		"sync_median", found.Median, "sync_max", found.Max)
	for _, line := range found.Warnings(b.opts.Path) {
		b.log.Warn("buffer: "+line, "path", b.opts.Path)
	}
}

// Reconfigure applies new limits: at once to what is refused. Where they keep less, what is stored goes only a minute
// later, and not at all if they are taken back before.
func (b *Buffer) Reconfigure(l Limits) error {
	if err := l.Validate(); err != nil {
		return fmt.Errorf("reconfiguring buffer %s: %w", b.opts.Path, err)
	}
	b.setLimits(l.WithDefaults())
	b.checkHeadroom()
	b.checkMaxSize()
	b.sweep.fire()
	return nil
}

// loadConsumers reads the progress of every consumer that the store knows.
func (b *Buffer) loadConsumers() error {
	return b.eachProgress(func(name string, p *format.Progress, err error) error {
		if err != nil {
			// To deliver again what is stored is better than to lose one event.
			low := b.first.Load() - 1
			p = &format.Progress{Low: low, High: low}
			b.log.Error("buffer: a consumer's progress is damaged, it starts again with the oldest stored event",
				"consumer", name)
		}
		p.SkipTo(b.first.Load() - 1)
		st := newConsumerState(name, p)
		if st.lifecycle, err = b.loadLifecycle(name); err != nil {
			return err
		}
		b.consumers[name] = st
		return nil
	})
}

// eachProgress gives each consumer that the store knows, with its progress or why that cannot be read, until one fails.
func (b *Buffer) eachProgress(each func(name string, p *format.Progress, err error) error) error {
	it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: []byte{format.KindConsumer},
		UpperBound: []byte{format.KindConsumer + 1}})
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }()
	for ok := it.First(); ok; ok = it.Next() {
		p, err := format.ParseProgress(it.Value())
		if err := each(string(it.Key()[1:]), p, err); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("reading the consumers: %w", err)
	}
	return nil
}

// mostChecked bounds how many entries a start looks at, and so the time that it takes.
const mostChecked = 100_000

// checkDeferred reads the entries of deferred events: with damage to them, none could be had any more, and no restart
// would help.
func (b *Buffer) checkDeferred() error {
	left := mostChecked
	for _, kind := range []byte{format.KindDeferredAt, format.KindDeferred} {
		it, err := b.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
		if err != nil {
			return err
		}
		for ok := it.First(); ok && left > 0; ok = it.Next() {
			left--
		}
		if err := it.Close(); err != nil {
			return fmt.Errorf("reading the deferred events: %w", err)
		}
	}
	return nil
}

// onTrigger does the work each time the trigger fires, until Close or a halt.
func (b *Buffer) onTrigger(fired trigger, work func()) {
	for {
		select {
		case <-b.closing:
			return
		case <-b.failure.Halted:
			return
		case <-fired:
			work()
		}
	}
}
