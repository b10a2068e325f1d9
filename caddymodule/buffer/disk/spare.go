package disk

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// spareFiles is more than the store opens at once when a log, a table and a manifest are
	// changed together.
	spareFiles = 32
	// shortagePause is how long the store waits before it tries again to open a file.
	shortagePause = 20 * time.Millisecond
)

// patientFS lets the store outlive a shortage of file descriptors. Senders that open
// connections and send nothing take every one that the process may have; a log
// that cannot be created then would seal the buffer for good, although nothing is
// wrong with the disk. So some descriptors are held back for the store, and when they are
// used up it waits until there are some again.
type patientFS struct {
	vfs.FS
	log *slog.Logger
	// closing ends all waiting.
	closing <-chan struct{}
	// armed is set when the store is open; before, a shortage is an error of Open.
	armed atomic.Bool

	mu     sync.Mutex
	spares []*os.File
	closed bool
	told   time.Time
}

func newPatientFS(fs vfs.FS, log *slog.Logger, closing <-chan struct{}) *patientFS {
	p := &patientFS{FS: fs, log: log, closing: closing}
	p.refill()
	return p
}

// refill holds descriptors back, as many as are missing and can be had.
func (p *patientFS) refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && len(p.spares) < spareFiles {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return
		}
		p.spares = append(p.spares, f)
	}
}

// spend gives one descriptor back to the process and says whether there was one.
func (p *patientFS) spend() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.spares) - 1
	if last < 0 {
		return false
	}
	_ = p.spares[last].Close()
	p.spares = p.spares[:last]
	return true
}

// release gives all of them back, for good.
func (p *patientFS) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, f := range p.spares {
		_ = f.Close()
	}
	p.spares = nil
}

// noDescriptor says whether err is a shortage of file descriptors, in the process or in
// the whole system.
func noDescriptor(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// patiently does what needs a descriptor until it has one, or the buffer is closed.
func patiently[T any](p *patientFS, op func() (T, error)) (T, error) {
	v, err := op()
	for err != nil && noDescriptor(err) && p.armed.Load() {
		if !p.spend() {
			p.tell()
			select {
			case <-p.closing:
				return v, err
			case <-time.After(shortagePause):
			}
		}
		v, err = op()
	}
	if err == nil {
		p.refill()
	}
	return v, err
}

// tell says once a minute what the store waits for.
func (p *patientFS) tell() {
	p.mu.Lock()
	now := time.Now()
	due := now.Sub(p.told) > time.Minute
	if due {
		p.told = now
	}
	p.mu.Unlock()
	if due {
		p.log.Error("buffer store: the process has no file descriptor left; storing and delivering wait until there is one:" +
			" see who opens so many connections, and raise the limit of open files (LimitNOFILE)")
	}
}

func (p *patientFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return patiently(p, func() (vfs.File, error) { return p.FS.Create(name, c) })
}

func (p *patientFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	return patiently(p, func() (vfs.File, error) { return p.FS.Open(name, opts...) })
}

func (p *patientFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return patiently(p, func() (vfs.File, error) { return p.FS.OpenReadWrite(name, c, opts...) })
}

func (p *patientFS) OpenDir(name string) (vfs.File, error) {
	return patiently(p, func() (vfs.File, error) { return p.FS.OpenDir(name) })
}

func (p *patientFS) List(dir string) ([]string, error) {
	return patiently(p, func() ([]string, error) { return p.FS.List(dir) })
}

// ReuseForWrite renames the file before it opens it, so a second attempt would not find
// it: from then on the new file is made afresh, which the interface allows.
func (p *patientFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	first := true
	return patiently(p, func() (vfs.File, error) {
		if first {
			first = false
			return p.FS.ReuseForWrite(oldname, newname, c)
		}
		if err := p.FS.Remove(oldname); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		return p.FS.Create(newname, c)
	})
}

func (p *patientFS) Unwrap() vfs.FS { return p.FS }
