package powercut_test

import (
	"math/rand/v2"
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// machine is the computer of one life of the program: its disk, and the moment at which
// its power goes. What the disk has then is a machine's disk in the next life.
type machine struct {
	disk   *vfs.MemFS
	ledger *ledger

	// over is closed when the power goes.
	over chan struct{}

	mu    sync.Mutex
	rnd   *rand.Rand
	armed bool
	// only: the kind of file at whose operations the power may go, "" for any; left is how
	// many of them still come through.
	only string
	left int

	image *vfs.MemFS
}

func newMachine(disk *vfs.MemFS, l *ledger, rnd *rand.Rand) *machine {
	return &machine{disk: disk, ledger: l, rnd: rand.New(rand.NewPCG(rnd.Uint64(), 1)), over: make(chan struct{})}
}

// fs is the disk with an eye on it.
func (m *machine) fs() vfs.FS { return errorfs.Wrap(m.disk, errorfs.InjectorFunc(m.watch)) }

// targets say how many operations on files of a kind come through at most. Nearly all
// operations are on the log, so the others are aimed at.
var targets = []struct {
	only string
	most int
}{
	{"", 150}, {"log", 150}, {"log", 30}, {"table", 30}, {"manifest", 12}, {"marker", 4}, {"directory", 10}, {"directory", 30},
}

// arm has the power go at some operation from now on.
func (m *machine) arm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	target := targets[m.rnd.IntN(len(targets))]
	m.armed, m.only, m.left = true, target.only, m.rnd.IntN(target.most)
}

// disarm has the power stay.
func (m *machine) disarm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.armed = false
}

// struck reports whether the power has gone.
func (m *machine) struck() bool {
	select {
	case <-m.over:
		return true
	default:
		return false
	}
}

// watch sees every operation before it is done.
func (m *machine) watch(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose || op.Kind == errorfs.OpFilePreallocate {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	kind := kindOf(op.Path)
	if !m.armed || m.image != nil || m.only != "" && m.only != kind {
		return nil
	}
	if m.left > 0 {
		m.left--
		return nil
	}
	// Whoever was told something has a moment to hear it: that counts.
	for range 20 {
		runtime.Gosched()
	}
	// Nothing but what was synced; all, as when only the process dies; or something between.
	m.cut([]int{0, 0, 30, 100, m.rnd.IntN(101), m.rnd.IntN(101)}[m.rnd.IntN(6)], verbs[op.Kind]+" "+kind)
	return nil
}

// pull has the power go now, while nothing is being written.
func (m *machine) pull() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.image == nil {
		m.cut(0, "none: nothing was being written")
	}
}

// cut takes the image; m.mu is held. What the program does from then on, it does on a disk
// that nobody will read, and the ledger takes no notice of it.
func (m *machine) cut(percent int, where string) {
	m.ledger.powerGoes(where, percent, func() {
		m.image = m.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: m.rnd})
	})
	close(m.over)
}

// verbs name the operations that change something.
var verbs = map[errorfs.OpKind]string{
	errorfs.OpCreate: "create", errorfs.OpLink: "link", errorfs.OpRemove: "remove", errorfs.OpRemoveAll: "remove",
	errorfs.OpRename: "rename", errorfs.OpReuseForWrite: "reuse", errorfs.OpMkdirAll: "make", errorfs.OpLock: "lock",
	errorfs.OpFileWrite: "write", errorfs.OpFileWriteAt: "write", errorfs.OpFileFlush: "flush",
	errorfs.OpFileSync: "sync", errorfs.OpFileSyncData: "sync", errorfs.OpFileSyncTo: "sync",
}

// kindOf says what a file is to Pebble.
func kindOf(name string) string {
	base := path.Base(name)
	switch {
	case strings.HasSuffix(base, ".events"):
		return "log"
	case strings.HasSuffix(base, ".sst"):
		return "table"
	case strings.HasPrefix(base, "MANIFEST"):
		return "manifest"
	case strings.HasPrefix(base, "marker."):
		return "marker"
	case strings.HasSuffix(base, ".dbtmp"):
		return "temporary file"
	case strings.HasPrefix(base, "OPTIONS"):
		return "options"
	case base == "LOCK":
		return "lock file"
	}
	return "directory"
}
