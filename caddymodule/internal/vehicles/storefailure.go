package vehicles

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// storeFailure is the first thing that went wrong behind an open store, such as a write for which the disk has no room.
// Pebble tries that again at once, for ever, with all of a processor; and of some of it, it cannot go on. So what it
// wants to write from then on waits until the store is closed, and is refused then. Whoever uses the store asks for the
// failure, or waits for it beside what may not come any more.
type storeFailure struct {
	once    sync.Once
	happens chan struct{} // closed when err is set
	err     error
	// isOpen: the store was opened. While it is being opened, an error is that of opening it.
	isOpen  atomic.Bool
	closing chan struct{}
}

func newStoreFailure() *storeFailure {
	return &storeFailure{happens: make(chan struct{}), closing: make(chan struct{})}
}

// set notes an error. Only the first one counts.
func (f *storeFailure) set(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.happens)
	})
}

// get returns why the store must be opened anew, nil where it need not.
func (f *storeFailure) get() error {
	select {
	case <-f.happens:
		return f.err
	default:
		return nil
	}
}

// errStopped is what Pebble gets for what it wants to write after a failure.
var errStopped = errors.New("an earlier write has failed")

// over is a file system that changes nothing any more after the failure.
func (f *storeFailure) over(below vfs.FS) vfs.FS {
	return errorfs.Wrap(below, errorfs.InjectorFunc(func(op errorfs.Op) error {
		changes := op.Kind != errorfs.OpFileClose && op.Kind.ReadOrWrite() == errorfs.OpIsWrite
		if !changes || f.get() == nil || !f.isOpen.Load() {
			return nil
		}
		<-f.closing
		return errStopped
	}))
}

// storeLog takes Pebble's messages, of which nothing is shown: they may hold keys, and these the ids of vehicles. Fatalf
// returns: the store is then opened anew.
type storeLog struct {
	log     *slog.Logger
	failure *storeFailure
}

func (storeLog) Infof(string, ...any) {}

func (storeLog) Errorf(string, ...any) {}

func (l storeLog) Fatalf(_ string, args ...any) {
	err := errFatal
	for _, arg := range args {
		if cause, ok := arg.(error); ok {
			err = cause
		}
	}
	l.failure.set(err)
}

// listener has worked called each time that the store has written something away.
func (l storeLog) listener(worked func()) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: l.failure.set,
		// The default ends the process.
		DataCorruption: func(pebble.DataCorruptionInfo) { l.failure.set(errDamagedFile) },
		FlushEnd: func(info pebble.FlushInfo) {
			if info.Err == nil {
				worked()
			}
		},
		CompactionEnd: func(info pebble.CompactionInfo) {
			if info.Err == nil {
				worked()
			}
		},
	}
}

// Errors of the store.
var (
	errFatal = errors.New("the store cannot go on")
	// errDamagedFile is of a file of the store.
	errDamagedFile = errors.New("a file is damaged")
)

// isDamage reports whether an error says that the store must be made anew.
func isDamage(err error) bool {
	return errors.Is(err, errOther) || errors.Is(err, errDamagedFile) || pebble.IsCorruptionError(err)
}

// storeError is an error of the store's in words that hold nothing of what is stored. It unwraps to Pebble's.
type storeError struct {
	what  string
	cause error
}

func (e *storeError) Error() string { return e.what }

func (e *storeError) Unwrap() error { return e.cause }

func cleanError(err error) error {
	errno, system := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, errOther):
		return &storeError{"its files are of another version", err}
	case isDamage(err):
		return &storeError{"its files are damaged", err}
	case errors.Is(err, fs.ErrNotExist):
		return &storeError{"a file is missing", err}
	case system:
		return &storeError{errno.Error(), err}
	default:
		return &storeError{errFatal.Error(), err}
	}
}
