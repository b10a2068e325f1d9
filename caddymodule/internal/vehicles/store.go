package vehicles

import (
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

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
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
	db *pebble.DB
	// failure is what Pebble cannot go on from; it must be opened anew then.
	failure *atomic.Pointer[error]
}

// openStore opens the store in a folder, or makes it.
func openStore(folder string, log *slog.Logger) (s *store, err error) {
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
	failure := new(atomic.Pointer[error])
	db, err := pebble.Open(folder, options(cache, storeLog{log, failure}))
	if err != nil {
		return nil, err
	}
	s = &store{db: db, failure: failure}
	if err := s.checkVersion(); err != nil {
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

func options(cache *pebble.Cache, l storeLog) *pebble.Options {
	o := &pebble.Options{
		FS:                          vfs.Default, // without it, a goroutine stays of each attempt to open that fails
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		Merger:                      merger,
		Logger:                      l,
		EventListener:               l.listener(),
		DisableWAL:                  true,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 2,
		L0CompactionThreshold:       l0Compaction,
		L0StopWritesThreshold:       4 * l0Compaction,
		MaxOpenFiles:                100,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
	}
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
func (s *store) broken() error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// flush writes what is in memory to files.
func (s *store) flush() error { return s.db.Flush() }

// close closes the store, which does not flush it.
func (s *store) close() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("closing the vehicles: %v", r)
		}
	}()
	return s.db.Close()
}

// storeLog takes Pebble's messages. Fatalf returns: the store is then opened anew.
type storeLog struct {
	log     *slog.Logger
	failure *atomic.Pointer[error]
}

func (storeLog) Infof(string, ...any) {}

func (l storeLog) Errorf(format string, args ...any) {
	l.log.Debug("vehicles: store", "message", text.FirstLine(fmt.Sprintf(format, args...)))
}

func (l storeLog) Fatalf(format string, args ...any) {
	l.fail(errors.New(text.FirstLine(fmt.Sprintf(format, args...))))
}

func (l storeLog) fail(err error) { l.failure.CompareAndSwap(nil, &err) }

func (l storeLog) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if pebble.IsCorruptionError(err) {
				l.fail(err)
			}
		},
		// The default ends the process.
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.fail(fmt.Errorf("%w: %s", errDamagedFile, filepath.Base(info.Path)))
		},
	}
}

// errDamagedFile is of a file of the store.
var errDamagedFile = errors.New("a file is damaged")

// isDamage reports whether an error says that the store must be made anew.
func isDamage(err error) bool {
	return errors.Is(err, errOther) || errors.Is(err, errDamagedFile) || pebble.IsCorruptionError(err)
}
