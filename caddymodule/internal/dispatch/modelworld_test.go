package dispatch_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// world is the store of a history, and what a power cut leaves of it.
type world struct {
	store buffer.Buffer
	mem   *vfs.MemFS // nil: the store is in memory and knows no power cuts
	// promise returns what was acknowledged so far; it must not touch the store.
	promise func() *promise

	mu       sync.Mutex
	rnd      *rand.Rand
	left     int // writes until the cut, -1 when none is to come
	image    *vfs.MemFS
	promised *promise
}

func newWorld(t *testing.T, store string, rnd *rand.Rand) *world {
	w := &world{left: -1, rnd: rand.New(rand.NewPCG(rnd.Uint64(), 4))}
	if store == "memory" {
		w.store = newMemory()
		return w
	}
	// See stores: what is pooled must not wander from one bubble to the next.
	runtime.GC()
	runtime.GC()
	w.mem = vfs.NewCrashableMem()
	w.open(t)
	return w
}

func (w *world) open(t *testing.T) {
	b, err := disk.Open(context.Background(), disk.Options{
		Path:   "/smartcar",
		FS:     errorfs.Wrap(w.mem, errorfs.InjectorFunc(w.watch)),
		Limits: disk.Limits{Retention: 2 * time.Minute},
	})
	if err != nil {
		t.Fatalf("opening the disk buffer: %v", err)
	}
	w.store = b
}

// arm has a power cut come after some more writes.
func (w *world) arm(writes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mem != nil && w.image == nil {
		w.left = writes
	}
}

// disarm has no power cut come any more, and reports whether one has.
func (w *world) disarm() (struck bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = -1
	return w.image != nil
}

// watch sees every operation of the file system before it is done.
func (w *world) watch(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left < 0 {
		return nil
	}
	if w.left--; w.left >= 0 {
		return nil
	}
	percent := []int{0, 0, 30, w.rnd.IntN(101)}[w.rnd.IntN(4)]
	// First what was promised, then the image, then what may have come into it beside.
	w.promised = w.promise()
	w.image = w.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: w.rnd})
	w.promised.begun = w.promise().begun
	return nil
}

// struck reports whether the power cut has come.
func (w *world) struck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.image != nil
}

// recover opens what the cut has left.
func (w *world) recover(t *testing.T) *promise {
	if err := w.store.Close(); err != nil {
		t.Fatalf("closing the store that lives on after the cut: %v", err)
	}
	w.mu.Lock()
	w.mem, w.image = w.image, nil
	promised := w.promised
	w.mu.Unlock()
	w.open(t)
	return promised
}
