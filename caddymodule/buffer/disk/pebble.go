package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

const (
	// cacheSize bounds nearly all of the buffer's memory: Pebble takes the memtables, usually two and at most four, out
	// of it. What is left must hold the filter blocks of the dedupe entries, or every append reads them again.
	cacheSize = 96 << 20
	blockSize = 16 << 10
	// l0Compaction is twice the number of flushes after which their dedupe entries are merged into the level below.
	// Their keys are digests, so each merge rewrites all of that level: the fewer, the better.
	l0Compaction = 8
)

// openPebble opens Pebble on a fail-stop file system. lock is the caller's own, nil where Pebble is to take it.
func openPebble(o Options, f *failstop.FS, lock *pebble.Lock) (*store.DB, error) {
	s := f.Failure
	cache := pebble.NewCache(cacheSize)
	defer cache.Unref()
	options := pebbleOptions(f, cache, logger{o.Log, s}, o.memTable)
	options.Lock = lock
	db, err := openStore(o.Path, options, f)
	if failed := s.OpenError(); failed != nil {
		// What else is wrong follows from that.
		if db != nil {
			_ = db.Close()
		}
		err = failed
	}
	if err == nil {
		f.Opened()
		return db, nil
	}
	if errors.Is(err, failstop.ErrLocked) {
		return nil, lockedError(o.Path, err)
	}
	if other, ok := errors.AsType[*IdentityError](err); ok {
		return nil, fmt.Errorf("opening buffer %s: %w", o.Path, other)
	}
	if _, there := f.Stat(o.Path); errors.Is(err, fs.ErrNotExist) && errors.Is(there, fs.ErrNotExist) {
		return nil, &PathError{Path: o.Path, Cause: err} // where there is no directory, nothing is damaged
	}
	return nil, openingError(o.Path, err, f, eventlog.Known{})
}

// openStore opens the store. Errors of the look at the files that comes with the lock are as they are, without a word
// of Pebble's.
func openStore(path string, o *pebble.Options, f *failstop.FS) (*store.DB, error) {
	if o.Lock != nil {
		if err := f.Locked(f.PathJoin(path, lockFile)); err != nil {
			return nil, err
		}
	}
	db, err := store.Open(path, o)
	if lock, is := errors.AsType[*failstop.LockError](err); is {
		return nil, lock
	}
	return db, err
}

func pebbleOptions(f *failstop.FS, cache *pebble.Cache, l logger, memTable uint64) *pebble.Options {
	o := &pebble.Options{
		FS:                 f,
		Cache:              cache,
		FormatMajorVersion: pebble.FormatTableFormatV6,
		Logger:             l,
		EventListener:      l.listener(),
		// The log of events is the store's too.
		DisableWAL:                  true,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       l0Compaction,
		L0StopWritesThreshold:       3 * l0Compaction,
		LBaseMaxBytes:               64 << 20,
		// The space of old dedupe entries and dead letters is free only once the deletion is flushed.
		FlushDelayDeleteRange:      secondsToFlush,
		CompactionConcurrencyRange: func() (int, int) { return 1, 2 },
	}
	// Larger tables mean fewer files.
	o.TargetFileSizes[0] = 8 << 20
	for i := range o.Levels {
		o.Levels[i] = pebble.LevelOptions{
			BlockSize:    blockSize,
			FilterPolicy: bloom.FilterPolicy(10),
		}
	}
	o.Experimental.SpanPolicyFunc = tablePerKind
	// Dead letters hold whole events, which are much alike. Compressing them takes about as much of the processor as
	// writing them as they are. The log of events is not compressed.
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return o
}

// tablePerKind keeps keys of different kinds in different tables. A table with progress and dead letters would span
// nearly all keys, so that compacting it would rewrite every dedupe entry between them.
func tablePerKind(start []byte) (pebble.SpanPolicy, []byte, error) {
	if len(start) == 0 {
		return pebble.SpanPolicy{}, []byte{format.KindConsumer}, nil
	}
	return pebble.SpanPolicy{}, []byte{start[0] + 1}, nil
}

// logger takes Pebble's messages. Fatalf returns: from then on no write reaches the disk, so nothing that Pebble does
// can make things worse.
type logger struct {
	log     *slog.Logger
	failure *failstop.Failure
}

func (l logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.log.Warn("buffer store", "message", store.Message(format, args...))
}

func (l logger) Fatalf(format string, args ...any) {
	l.failure.Halt(errors.New(store.Message(format, args...)))
}

func (l logger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if l.failure.Err() != nil {
				return
			}
			l.log.Error("buffer store: background work failed, it is tried again", "error", store.Cause(err))
		},
		// The default ends the process. Damage is met again when it is read, and the event is then set aside.
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.log.Error("buffer store: a file is damaged", "file", info.Path) // its bounds are keys
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.log.Warn("buffer store: writes wait for the disk", "reason", info.Reason)
		},
	}
}

// lockFile is the name that Pebble gives its lock.
const lockFile = "LOCK"

const secondsToFlush = 2 * time.Second
