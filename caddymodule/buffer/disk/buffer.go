package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/dedupe"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/probe"
)

const secondsToFlush = 2 * time.Second

var (
	_ buffer.Buffer   = (*Buffer)(nil)
	_ buffer.Consumer = (*Consumer)(nil)
)

// Buffer is an open buffer. It implements buffer.Buffer.
type Buffer struct {
	opts   Options
	limits atomic.Pointer[Limits]
	// grace delays limits that keep less; reconfiguring lets one Reconfigure at a time change both.
	grace         atomic.Pointer[graceLimits]
	reconfiguring sync.Mutex

	log     *slog.Logger
	failure *failstop.Failure
	now     func() time.Time

	// dbMu is held for reading while db is used, and for writing to take it away.
	dbMu sync.RWMutex
	db   *pebble.DB
	// fs is what db and events write through. The first write that fails halts it, which is in failure.
	fs *failstop.FS

	// events holds the events, and with each group what it changes in db; dbMu guards it too.
	events *eventlog.Log
	// committed is the last group that can be read from db, flushed the last that db has on the disk.
	committed, flushed atomic.Uint64
	// removal asks for a look at which segments can go, cacheDrop at which events can leave the page cache.
	removal, cacheDrop trigger

	committer *committer
	dedupe    *dedupe.Index

	// first is the position of the oldest stored event, or the next position when
	// there is none; durable is that of the newest synced one.
	first, durable atomic.Uint64
	// eventBytes and asideBytes account for what is stored: events, and beside them dead
	// letters and copies of reopened events. Only the committer changes them.
	eventBytes, asideBytes atomic.Int64
	// gone is the total size of the events before first.
	gone      atomic.Uint64
	deadCount atomic.Uint64
	// refusedSize is that of the last event that found no room; 0 when one was stored since.
	refusedSize atomic.Int64
	// tight is set while the disk has less than the headroom. missing is how many bytes should be freed, 0 for none.
	tight   atomic.Bool
	missing atomic.Int64
	// probed is what the probe found, nil before.
	probed atomic.Pointer[probe.Result]

	consumersMu sync.Mutex
	consumers   map[string]*consumerState

	// damaged holds positions that were set aside, so that each is counted once.
	damagedMu sync.Mutex
	damaged   map[uint64]struct{}

	// trimming lets one trim measure and delete at a time: two would free the same excess twice.
	trimming sync.Mutex
	// warnedAt is when the holders were last logged, tightTrim when events last went to free the headroom.
	warnedAt, tightTrim time.Time

	counters counters

	// closing is closed by Close.
	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
	// sweep asks the keeper to look at the limits now.
	sweep trigger
	loops sync.WaitGroup
}

type counters struct {
	syncs, appended, duplicates, corrupt atomic.Uint64
}

// use runs f with the store. It fails once the buffer is halted or closed.
func (b *Buffer) use(f func(*pebble.DB) error) error {
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

// closeOnHalt closes the store as soon as the buffer is halted. Its background work would otherwise go on with files
// that are no longer written.
func (b *Buffer) closeOnHalt() {
	select {
	case <-b.closing:
		return
	case <-b.failure.Halted:
	}
	b.log.Error("buffer is halted: nothing more is stored or delivered until Caddy is restarted with a healthy disk",
		"path", b.opts.Path, "error", failstop.OneLine(b.failure.Err().Error()))
	b.wakeAll()
	b.closeStore()
}

func (b *Buffer) closeStore() error {
	b.dbMu.Lock()
	defer b.dbMu.Unlock()
	if b.db == nil || b.committer.stuck.Load() {
		return nil
	}
	return b.closeFiles()
}

// closeFiles closes the store and the log. The caller holds dbMu, or is alone.
func (b *Buffer) closeFiles() error {
	var err error
	if b.events != nil {
		err = b.events.Close()
	}
	err = errors.Join(err, b.db.Close())
	b.db = nil
	b.fs.Release()
	return err
}

// Close implements buffer.Buffer.
func (b *Buffer) Close() error {
	b.closeOnce.Do(func() {
		close(b.closing)
		b.committer.stop()
		b.loops.Wait()
		b.wakeAll()
		b.flushAll()
		if err := b.closeStore(); err != nil && b.failure.Err() == nil {
			b.closeErr = fmt.Errorf("closing buffer %s: %w", b.opts.Path, err)
			return
		}
		b.writeControl(true)
	})
	return b.closeErr
}

// Reconfigure applies new limits: at once to what is refused. Where they keep less, what is stored goes only a minute
// later, and not at all if they are taken back before.
func (b *Buffer) Reconfigure(l Limits) error {
	if err := l.Validate(); err != nil {
		return fmt.Errorf("reconfiguring buffer %s: %w", b.opts.Path, err)
	}
	b.setLimits(l.WithDefaults())
	b.checkHeadroom()
	b.sweep.fire()
	return nil
}

// Limits implements buffer.Buffer.
func (b *Buffer) Limits() buffer.Limits { return buffer.Limits(*b.limits.Load()) }

// Stats implements buffer.Buffer.
func (b *Buffer) Stats() buffer.Stats {
	s := buffer.Stats{
		First:       b.first.Load(),
		Last:        b.durable.Load(),
		DeadLetters: b.deadCount.Load(),
		Bytes:       b.bytes(),
		Syncs:       b.counters.syncs.Load(),
		Appended:    b.counters.appended.Load(),
		Duplicates:  b.counters.duplicates.Load(),
		Corrupt:     b.counters.corrupt.Load(),
		Halted:      b.failure.Err(),
		Full:        b.noRoom(int(b.refusedSize.Load())),
	}
	if s.Last == 0 {
		s.First = 0
	}
	if d := b.probed.Load(); d != nil {
		s.FileSystem, s.SyncMedian, s.SyncMax = d.FileSystem, d.Median, d.Max
	}
	return s
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

// writeControl writes the control file. Where the disk is short of space, that can wait.
func (b *Buffer) writeControl(closed bool) {
	if b.failure.Err() != nil || b.tight.Load() || b.fs.Full() != nil {
		return
	}
	if err := b.fs.WriteControl(b.durable.Load()+1, closed); err != nil && b.failure.Err() == nil {
		b.log.Warn("buffer: the control file cannot be written", "path", b.opts.Path, "error", failstop.OneLine(err.Error()))
	}
}
