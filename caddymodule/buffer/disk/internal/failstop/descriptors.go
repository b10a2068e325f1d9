package failstop

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
	// ReservedFiles is more than the store opens at once when a log, a table and a manifest are
	// changed together.
	ReservedFiles = 32
	// shortagePause is how long the store waits before it tries again to open a file.
	noFDPause = 20 * time.Millisecond
)

// descriptorFS lets the store survive a shortage of file descriptors. Senders that open connections and send nothing
// take every one that the process may have. A segment that cannot be created then would halt the buffer for good,
// although nothing is wrong with the disk. So some descriptors are reserved for the store, and when they are used up,
// it waits for more.
type descriptorFS struct {
	vfs.FS
	log *slog.Logger
	// closing ends all waiting.
	closing <-chan struct{}
	// armed is set when the store is open; before, a shortage is an error of Open.
	armed atomic.Bool

	mu       sync.Mutex
	reserve  []*os.File
	closed   bool
	warnedAt time.Time
}

func newDescriptorFS(fs vfs.FS, log *slog.Logger, closing <-chan struct{}) *descriptorFS {
	p := &descriptorFS{FS: fs, log: log, closing: closing}
	p.refill()
	return p
}

// refill reserves as many descriptors as are missing and can be had.
func (p *descriptorFS) refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && len(p.reserve) < ReservedFiles {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return
		}
		p.reserve = append(p.reserve, f)
	}
}

// spend gives one reserved descriptor back to the process and reports whether there was one.
func (p *descriptorFS) spend() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.reserve) - 1
	if last < 0 {
		return false
	}
	_ = p.reserve[last].Close()
	p.reserve = p.reserve[:last]
	return true
}

// release gives all of them back, for good.
func (p *descriptorFS) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, f := range p.reserve {
		_ = f.Close()
	}
	p.reserve = nil
}

// noFD reports whether err is a shortage of file descriptors, in the process or in
// the whole system.
func noFD(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// retryOnNoFD does what needs a descriptor until it has one, or the buffer is closed.
func retryOnNoFD[T any](p *descriptorFS, op func() (T, error)) (T, error) {
	v, err := op()
	for err != nil && noFD(err) && p.armed.Load() {
		if !p.spend() {
			p.warn()
			select {
			case <-p.closing:
				return v, err
			case <-time.After(noFDPause):
			}
		}
		v, err = op()
	}
	if err == nil {
		p.refill()
	}
	return v, err
}

// warn logs once a minute what the store waits for.
func (p *descriptorFS) warn() {
	p.mu.Lock()
	now := time.Now()
	due := now.Sub(p.warnedAt) > time.Minute
	if due {
		p.warnedAt = now
	}
	p.mu.Unlock()
	if due {
		p.log.Error("buffer store: the process has no file descriptor left; storing and delivering wait until there " +
			"is one: see who opens so many connections, and raise the limit of open files (LimitNOFILE)")
	}
}

func (p *descriptorFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return retryOnNoFD(p, func() (vfs.File, error) { return p.FS.Create(name, c) })
}

func (p *descriptorFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	return retryOnNoFD(p, func() (vfs.File, error) { return p.FS.Open(name, opts...) })
}

func (p *descriptorFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return retryOnNoFD(p, func() (vfs.File, error) { return p.FS.OpenReadWrite(name, c, opts...) })
}

func (p *descriptorFS) OpenDir(name string) (vfs.File, error) {
	return retryOnNoFD(p, func() (vfs.File, error) { return p.FS.OpenDir(name) })
}

func (p *descriptorFS) List(dir string) ([]string, error) {
	return retryOnNoFD(p, func() ([]string, error) { return p.FS.List(dir) })
}

// ReuseForWrite renames the file before it opens it, so a second attempt would not find
// it: from then on the new file is made afresh, which the interface allows.
func (p *descriptorFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	first := true
	return retryOnNoFD(p, func() (vfs.File, error) {
		if first {
			first = false
			return p.FS.ReuseForWrite(oldname, newname, c)
		}
		if err := p.Remove(oldname); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		return p.FS.Create(newname, c)
	})
}

func (p *descriptorFS) Unwrap() vfs.FS { return p.FS }
