package disk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A power cut at a random time seldom hits the moment between two writes. Here it comes
// right before a write, so that what must be one write cannot be two.

// cut is what a power cut left, and what had been acknowledged before it.
type cut struct {
	mem  *vfs.MemFS
	told *ledger
}

// cutBefore returns a file system over mem with a power cut before the n-th write or sync of
// the log after it was armed, and where the cut is found.
func cutBefore(mem *vfs.MemFS, n int, l *ledger, rng *rand.Rand) (fs vfs.FS, arm func(), found <-chan cut) {
	cuts := make(chan cut, 1)
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(100), RNG: rng}
	var armed atomic.Bool
	var writes atomic.Int64
	fs = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		// Between two writes of the log stands what should have been one.
		if armed.Load() && strings.HasSuffix(op.Path, ".events") && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && writes.Add(1) == int64(n) {
			told := l.copied() // first, or what is told meanwhile would be missing
			cuts <- cut{mem.CrashClone(cfg), told}
		}
		return nil
	}))
	return fs, func() { armed.Store(true) }, cuts
}

func TestPowerCutBeforeAWrite(t *testing.T) {
	for round := range 24 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 11))
			mem, l := vfs.NewCrashableMem(), newLedger()
			o := Options{Path: "buffer", memTable: 256 << 10}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			fs, arm, found := cutBefore(mem, 10+rng.IntN(100), l, rng)
			o.FS = fs
			b, err := Open(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			arm()
			loaded := make(chan struct{})
			go func() {
				defer close(loaded)
				load(ctx, t, b, l, seed, make(chan struct{}, 1<<16))
			}()
			left := <-found
			cancel()
			<-loaded
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			for _, wrong := range verify(t.Context(), o, left.mem, left.told) {
				t.Error(wrong)
			}
			verifyUntold(t, o, left)
		})
	}
}

// verifyUntold sends again what had been sent and not acknowledged, as Smartcar does: it is a
// duplicate of the event that is stored, or it is stored now.
func verifyUntold(t *testing.T, o Options, left cut) {
	t.Helper()
	o.FS = left.mem
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	at := map[string]uint64{}
	for p, id := range storedIDs(b, func(format string, args ...any) { t.Errorf(format, args...) }) {
		if other := at[id]; other != 0 {
			t.Errorf("event %s is stored at %d and at %d", id, other, p)
		}
		at[id] = p
	}
	for w := range crashWriters {
		// Each writer has one event under way; the others behind it were never sent.
		for i, untold := 0, 0; untold < 3; i++ {
			id := fmt.Sprintf("%d-%d", w, i)
			if left.told.appended[id] != 0 {
				continue
			}
			untold++
			r, err := b.Append(t.Context(), crashEvent(id, 1))
			if err != nil || r.Duplicate != (at[id] != 0) || r.Duplicate && r.Position != at[id] {
				t.Errorf("event %s, stored at %d (0: it is not), sent again: got %+v, %v", id, at[id], r, err)
			}
		}
	}
}

func TestPowerCutBeforeAWriteOfAReopening(t *testing.T) {
	for round := range 32 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 12))
			r, b := newReopenRig(t)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			l, o := newLedger(), r.o
			fs, arm, found := cutBefore(r.mem, 1+rng.IntN(30), l, rng)
			o.FS = fs
			b, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			arm()
			r.load(t.Context(), t, b, l, seed, make(chan struct{}, reopenEvents))
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			left := <-found
			r.o.FS = left.mem
			r.verify(t, left.told)
		})
	}
}
