package disk

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// faultKind is a way in which a disk fails.
type faultKind struct {
	name string
	// strikes says which operations it may strike.
	strikes func(errorfs.Op) bool
	err     error
	// torn: half of what was to be written is. flipped: what is read differs in a bit. held: the
	// operation takes until the history releases it.
	torn, flipped, held bool
	// lasting says that it does not pass by itself.
	lasting bool
}

func kinds(all ...errorfs.OpKind) func(errorfs.Op) bool {
	return func(op errorfs.Op) bool {
		for _, k := range all {
			if op.Kind == k {
				return true
			}
		}
		return false
	}
}

func ofLog(f func(errorfs.Op) bool) func(errorfs.Op) bool {
	return func(op errorfs.Op) bool { return strings.HasSuffix(op.Path, ".events") && f(op) }
}

var (
	someWrite   = kinds(errorfs.OpFileWrite, errorfs.OpFileWriteAt)
	someSync    = kinds(errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo)
	someCreate  = kinds(errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpRename, errorfs.OpLink, errorfs.OpMkdirAll)
	someRead    = kinds(errorfs.OpFileRead, errorfs.OpFileReadAt, errorfs.OpOpen, errorfs.OpList, errorfs.OpStat, errorfs.OpFileStat)
	someRoom    = kinds(errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpRename, errorfs.OpLink)
	someDirSync = func(op errorfs.Op) bool { return op.Path == "buffer" && someSync(op) }
	anything    = func(op errorfs.Op) bool {
		return op.Kind != errorfs.OpLock && op.Kind != errorfs.OpGetDiskUsage && op.Kind != errorfs.OpFileClose
	}
)

var faultKinds = []faultKind{
	{name: "write error", strikes: someWrite, err: syscall.EIO},
	{name: "write error of the log", strikes: ofLog(someWrite), err: syscall.EIO},
	{name: "torn write", strikes: someWrite, err: syscall.EIO, torn: true},
	{name: "sync error", strikes: someSync, err: syscall.EIO},
	{name: "sync error of the log", strikes: ofLog(someSync), err: syscall.EIO},
	{name: "sync error of the directory", strikes: someDirSync, err: syscall.EIO},
	{name: "sync errors from then on", strikes: someSync, err: syscall.EIO, lasting: true},
	{name: "error of create, rename or link", strikes: someCreate, err: syscall.EIO},
	{name: "error of remove", strikes: kinds(errorfs.OpRemove, errorfs.OpRemoveAll), err: syscall.EIO},
	{name: "error of close", strikes: kinds(errorfs.OpFileClose), err: syscall.EIO},
	{name: "full disk", strikes: someRoom, err: syscall.ENOSPC, lasting: true},
	{name: "full disk, torn write", strikes: someRoom, err: syscall.ENOSPC, lasting: true, torn: true},
	{name: "full disk for a moment", strikes: someRoom, err: syscall.ENOSPC},
	{name: "full disk at a sync", strikes: someSync, err: syscall.ENOSPC},
	{name: "quota at a write", strikes: someRoom, err: syscall.EDQUOT, lasting: true},
	{name: "read error", strikes: someRead, err: syscall.EIO},
	{name: "read errors for long", strikes: someRead, err: syscall.EIO, lasting: true},
	{name: "flipped bit on reading", strikes: kinds(errorfs.OpFileReadAt), flipped: true},
	{name: "slow sync", strikes: someSync, held: true},
	{name: "slow write", strikes: someWrite, held: true},
	{name: "read-only from then on", strikes: func(op errorfs.Op) bool {
		return anything(op) && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose
	},
		err: syscall.EROFS, lasting: true},
	{name: "disk gone from then on", strikes: anything, err: syscall.EIO, lasting: true},
}

// plan is one fault of one history.
type plan struct {
	faultKind
	// at counts operations of the kind before the first that it strikes, length those it strikes;
	// opening: they count from when the buffer is opened, else from when it is open.
	at, length int64
	opening    bool

	armed  atomic.Bool
	count  atomic.Int64
	struck atomic.Int64
	rng    *rand.Rand
	rngMu  sync.Mutex
	// holding is told when an operation is held, until released.
	holding, released chan struct{}
	release           sync.Once
}

func newPlan(rng *rand.Rand, k faultKind) *plan {
	p := &plan{faultKind: k, at: rng.Int64N(60), length: 1, opening: rng.IntN(3) == 0, rng: rand.New(rand.NewPCG(rng.Uint64(), 4)),
		holding: make(chan struct{}, 1), released: make(chan struct{})}
	if rng.IntN(3) == 0 {
		p.at = rng.Int64N(12)
	}
	switch {
	case k.lasting:
		p.length = 1 << 40
	case rng.IntN(2) == 0 && !k.held:
		p.length = 1 + rng.Int64N(20)
	}
	return p
}

func (p *plan) String() string { return fmt.Sprintf("%s, after %d, %d times", p.name, p.at, p.length) }

// hits reports whether this operation is struck.
func (p *plan) hits(op errorfs.Op) bool {
	if !p.armed.Load() || !p.strikes(op) {
		return false
	}
	n := p.count.Add(1)
	if n <= p.at || n > p.at+p.length {
		return false
	}
	p.struck.Add(1)
	return true
}

// heal makes the disk well again.
func (p *plan) heal() {
	p.armed.Store(false)
	p.release.Do(func() { close(p.released) })
}

func (p *plan) inject(op errorfs.Op) error {
	// Those that need the bytes are for faultyFile, and so is Close, for which errorfs never asks.
	if p.flipped || p.torn && someWrite(op) || op.Kind == errorfs.OpFileClose || !p.hits(op) {
		return nil
	}
	if p.held {
		select {
		case p.holding <- struct{}{}:
		default:
		}
		<-p.released
	}
	return p.err
}

// fs is a file system that fails as planned.
func (p *plan) fs(below vfs.FS) vfs.FS {
	return faultyFS{errorfs.Wrap(below, errorfs.InjectorFunc(p.inject)), p}
}

// faultyFS wraps files so that bytes can be changed or cut off on the way.
type faultyFS struct {
	vfs.FS
	p *plan
}

func (f faultyFS) wrap(file vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, name, f.p}, nil
}

func (f faultyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(file, name, err)
}

func (f faultyFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.Open(name, opts...)
	return f.wrap(file, name, err)
}

func (f faultyFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, opts...)
	return f.wrap(file, name, err)
}

func (f faultyFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(oldname, newname, c)
	return f.wrap(file, newname, err)
}

type faultyFile struct {
	vfs.File
	name string
	p    *plan
}

func (f *faultyFile) Write(b []byte) (int, error) {
	if f.p.torn && f.p.hits(errorfs.Op{Kind: errorfs.OpFileWrite, Path: f.name}) {
		n, err := f.File.Write(b[:len(b)/2])
		if err == nil {
			err = f.p.err
		}
		return n, err
	}
	return f.File.Write(b)
}

func (f *faultyFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(b, off)
	if f.p.flipped && n > 0 && f.p.hits(errorfs.Op{Kind: errorfs.OpFileReadAt, Path: f.name}) {
		f.p.rngMu.Lock()
		defer f.p.rngMu.Unlock()
		b[f.p.rng.IntN(n)] ^= 1 << f.p.rng.IntN(8)
	}
	return n, err
}

// Close closes, and then says that it did not.
func (f *faultyFile) Close() error {
	err := f.File.Close()
	if err == nil && f.p.hits(errorfs.Op{Kind: errorfs.OpFileClose, Path: f.name}) {
		err = f.p.err
	}
	return err
}
