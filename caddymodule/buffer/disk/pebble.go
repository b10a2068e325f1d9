package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
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

// openPebble opens Pebble on a fail-stop file system.
func openPebble(o Options, f *failstop.FS) (*pebble.DB, error) {
	s := f.Failure
	cache := pebble.NewCache(cacheSize)
	defer cache.Unref()
	db, err := openRecovering(o.Path, pebbleOptions(f, cache, logger{o.Log, s}, o.memTable))
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
		return nil, fmt.Errorf("opening buffer %s: %w, perhaps a second Caddy with the same data directory; "+
			"stop that one, or give this one a path of its own (%w)", o.Path, buffer.ErrLocked, err)
	}
	if other, ok := errors.AsType[*IdentityError](err); ok {
		return nil, fmt.Errorf("opening buffer %s: %w", o.Path, other)
	}
	if _, there := f.Stat(o.Path); errors.Is(err, fs.ErrNotExist) && errors.Is(there, fs.ErrNotExist) {
		return nil, &PathError{Path: o.Path, Cause: err} // where there is no directory, nothing is damaged
	}
	return nil, openingError(o.Path, err)
}

// PathError says that the directory of a buffer can be neither used nor made.
type PathError struct {
	Path string
	// Cause is what the system says.
	Cause error
}

// Error says what to do.
func (e *PathError) Error() string {
	return fmt.Sprintf("opening buffer %s: its directory cannot be made: %v; "+
		"give a path where the user that runs Caddy may write", e.Path, e.Cause)
}

// Unwrap returns the cause.
func (e *PathError) Unwrap() error { return e.Cause }

// openingError says what to do when the store cannot be opened, or read once it is.
func openingError(path string, err error) error {
	// What the system refuses is no damage, unless a file is missing; all else is about what is in the files.
	var system syscall.Errno
	if errors.As(err, &system) && !errors.Is(err, fs.ErrNotExist) || errors.Is(err, buffer.ErrFull) ||
		errors.Is(err, errOtherFormat) {
		return fmt.Errorf("opening buffer %s: %w", path, err)
	}
	return fmt.Errorf("opening buffer %s: its files are damaged; keep a copy of the directory, then "+
		"restore it from a backup or start with an empty path: %w", path, damagedStore{err})
}

// damagedStore is an error of opening as one line. It is errDamaged, whatever Pebble says of it.
type damagedStore struct{ error }

func (d damagedStore) Error() string {
	// Pebble has a line for each file, and adds some of its own.
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(d.error.Error(), "<corruption detail carrier>", "")),
		"\n")
	return strings.Join(lines, "; ")
}

func (d damagedStore) Unwrap() error { return d.error }

func (d damagedStore) Is(target error) bool { return target == format.ErrDamaged }

// openRecovering turns panics into errors: Pebble panics at some of what it finds in a damaged directory.
func openRecovering(path string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("reading its files: %v", r)
		}
	}()
	return pebble.Open(path, o)
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
	l.log.Warn("buffer store", "message", text.FirstLine(fmt.Sprintf(format, args...)))
}

func (l logger) Fatalf(format string, args ...any) {
	l.failure.Halt(errors.New(text.FirstLine(fmt.Sprintf(format, args...))))
}

func (l logger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if l.failure.Err() != nil {
				return
			}
			l.log.Error("buffer store: background work failed, it is tried again",
				"error", text.FirstLine(err.Error()))
		},
		// The default ends the process. Damage is met again when it is read, and the event is then set aside.
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.log.Error("buffer store: a file is damaged", "file", info.Path)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.log.Warn("buffer store: writes wait for the disk", "reason", info.Reason)
		},
	}
}

// errOtherFormat: the directory is not for this version.
var errOtherFormat = errors.New("another version wrote it")

const secondsToFlush = 2 * time.Second
