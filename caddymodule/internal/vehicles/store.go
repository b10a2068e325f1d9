package vehicles

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Folder is that of the store, in the buffer's directory.
const Folder = "vehicles"

// version is that of keys and values together.
const version = 1

// Keys of kindMeta.
var (
	keyVersion  = []byte{kindMeta, 'v'}
	keyPosition = []byte{kindMeta, 'p'}
)

const (
	// cacheSize bounds the memory of Pebble, which takes the memtables out of it.
	cacheSize = 24 << 20
	memTable  = 8 << 20
	blockSize = 16 << 10
	// l0Compaction is the number of flushes after which what they wrote is merged into the rest, which rewrites much of
	// it: keys come in no order.
	l0Compaction = 8
)

// errOther is of a store that this version does not read.
var errOther = errors.New("it is of another version")

// store keeps records on disk. What is written is not synced: after a crash what is missing is read from the buffer
// again. It is for one goroutine at a time.
type store struct {
	db      *pebble.DB
	failure *storeFailure
	// worked is filled when something was written away, and hasWorked says that it ever was.
	worked    chan struct{}
	hasWorked atomic.Bool
}

// openStore opens the store in a folder, or makes it.
func openStore(fs vfs.FS, folder string, log *slog.Logger) (s *store, err error) {
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	// Pebble panics at some of what it finds in a damaged directory.
	defer func() {
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("reading its files: %v", r)
		}
	}()
	cache := pebble.NewCache(cacheSize)
	defer cache.Unref()
	opened := &store{failure: newStoreFailure(), worked: make(chan struct{}, 1)}
	l := storeLog{log, opened.failure}
	o := options(opened.failure.over(fs), cache)
	o.Logger, o.EventListener = l, l.listener(opened.hasWrittenAway)
	if opened.db, err = pebble.Open(folder, o); err != nil {
		return nil, err
	}
	s = opened
	s.failure.isOpen.Store(true)
	if err := cmp.Or(s.failure.get(), s.checkVersion()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// makeFolder makes it for its owner only: what is in it is about people's cars. The folder above must be there, or a
// volume that is not mounted would get one.
func makeFolder(folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(folder, 0o700)
}

// removeStore deletes the folder with all that is in it.
func removeStore(folder string) error {
	if filepath.Base(folder) != Folder {
		return fmt.Errorf("%s is not a folder of vehicles", folder)
	}
	return os.RemoveAll(folder)
}

func options(fs vfs.FS, cache *pebble.Cache) *pebble.Options {
	o := &pebble.Options{
		FS:                          fs, // without one, a goroutine stays of each attempt to open that fails
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		Merger:                      merger,
		DisableWAL:                  true,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 100, // see store.room
		L0CompactionThreshold:       l0Compaction,
		L0StopWritesThreshold:       100 * l0Compaction,
		MaxOpenFiles:                100,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
	}
	// Pebble's own one has a goroutine, which stays of each attempt to open that fails late. What that does beside is for
	// a concurrency that changes.
	o.Experimental.CompactionScheduler = pebble.NewConcurrencyLimitSchedulerWithNoPeriodicGrantingForTest()
	o.TargetFileSizes[0] = 8 << 20
	for i := range o.Levels {
		o.Levels[i] = pebble.LevelOptions{BlockSize: blockSize}
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return o
}

func (s *store) checkVersion() error {
	v, err := s.get(keyVersion)
	switch {
	case err != nil:
		return fmt.Errorf("reading the version: %w", err)
	case v == nil:
		return s.db.Set(keyVersion, []byte{version}, pebble.NoSync)
	case len(v) != 1 || v[0] != version:
		return errOther
	}
	return nil
}

// get returns a copy of a value, nil where there is none.
func (s *store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte{}, v...), nil
}

// record returns what is known of a vehicle, and whether anything is.
func (s *store) record(key []byte) (record, bool, error) {
	v, err := s.get(key)
	if err != nil || v == nil {
		return record{}, false, err
	}
	r, err := parseRecord(v)
	return r, err == nil, nil //nolint:nilerr // what is damaged counts as nothing
}

// position is up to where the events of the buffer are noted.
func (s *store) position() (uint64, error) {
	v, err := s.get(keyPosition)
	if err != nil || len(v) != 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

func appendPosition(p uint64) []byte { return binary.BigEndian.AppendUint64(nil, p) }

// each gives the records from one key up to another, until it returns false.
func (s *store) each(from, to []byte, give func(key []byte, r *record) bool) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if r, err := parseRecord(it.Value()); err == nil && !give(it.Key(), &r) {
			break
		}
	}
	return it.Close()
}

// broken returns why the store must be opened anew, nil where it need not.
func (s *store) broken() error { return s.failure.get() }

// hasWrittenAway is called by Pebble, which holds a lock.
func (s *store) hasWrittenAway() {
	s.hasWorked.Store(true)
	select {
	case s.worked <- struct{}{}:
	default:
	}
}

// The most that is in memory, and the most files that are to be merged, until writing waits.
const (
	mostMemory    = 2 * memTable
	mostSublevels = 4 * l0Compaction
)

// room waits until a batch can be written without waiting: Pebble itself would wait for ever where what it does behind
// fails again and again.
func (s *store) room() error {
	for {
		m := s.db.Metrics()
		if m.MemTable.Size <= mostMemory && m.Levels[0].Sublevels <= mostSublevels {
			return s.broken()
		}
		select {
		case <-s.worked:
		case <-s.failure.happens:
			return s.broken()
		}
	}
}

// commit writes a batch.
func (s *store) commit(b *pebble.Batch) error {
	if err := s.room(); err != nil {
		return err
	}
	return b.Commit(pebble.NoSync)
}

// flush writes what is in memory to files.
func (s *store) flush() error {
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-flushed:
		return nil
	case <-s.failure.happens:
		return s.broken()
	}
}

// compact has what was deleted between two keys deleted from files too.
func (s *store) compact(ctx context.Context, from, to []byte) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-s.failure.happens:
			cancel(s.broken())
		case <-stop:
		}
	}()
	if err := s.db.Compact(ctx, from, to, false); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	return nil
}

// close closes the store, which does not flush it.
func (s *store) close() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("closing the vehicles: %v", r)
		}
	}()
	close(s.failure.closing)
	return s.db.Close()
}
