package failstop

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
)

// place knows which directory, lock and newest segment were opened, as the system knows them, not by their names. A
// volume may be mounted over the directory, or it may be moved, deleted or restored from a backup while the buffer is
// open. What was opened goes on to work then, but what is created under the path lands elsewhere, and what is synced
// can be found by nobody after the next start.
type place struct {
	dir string

	mu sync.Mutex
	// opened has the directory, the lock and the newest segment by their paths.
	opened  map[string]os.FileInfo
	segment string
}

// note takes what a path names now for what is to stay there.
func (p *place) note(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.HasSuffix(path, eventlog.Suffix) {
		delete(p.opened, p.segment)
		p.segment = path
	}
	p.opened[path] = info
	return nil
}

// forget ends the watch of a file that is about to be removed.
func (p *place) forget(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.opened, path)
}

// check returns a ReplacedError when a path names something else, or nothing. Errors of another kind say nothing about
// that: the disk may be in trouble, or descriptors short.
func (p *place) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The directory comes first: where it is another one, its files are too.
	for _, path := range slices.SortedFunc(maps.Keys(p.opened), func(a, b string) int { return len(a) - len(b) }) {
		was := p.opened[path]
		is, err := os.Stat(path)
		switch {
		case err == nil && os.SameFile(was, is):
		case err == nil && sameVolume(was, is):
			return p.replaced(path, buffer.NowOther)
		case err == nil:
			return p.replaced(path, buffer.NowOtherVolume)
		case errors.Is(err, os.ErrNotExist):
			return p.replaced(path, buffer.NowNothing)
		}
	}
	return nil
}

func (p *place) replaced(path string, now buffer.Now) error {
	e := &buffer.ReplacedError{Dir: p.dir, Now: now}
	if path != p.dir {
		e.File = path
	}
	return e
}

// CheckPlace halts when the directory, its lock or the newest segment are not those any more that were opened.
func (f *FS) CheckPlace() {
	if f.place == nil || f.halted() {
		return
	}
	if err := f.place.check(); err != nil {
		f.Failure.Halt(err)
	}
}

// notePlace begins to watch a path, where the file system is the system's.
func (f *FS) notePlace(path string) error {
	if f.place == nil {
		return nil
	}
	return f.place.note(path)
}
