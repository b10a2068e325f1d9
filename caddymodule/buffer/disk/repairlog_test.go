package disk

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

const repairedEvents = 120

// flawedLog is a closed buffer with events in several files, one of which, counted from behind if negative, does not
// begin as it should; nothing else is wrong.
func flawedLog(t *testing.T, fs vfs.FS, dir string, which int) Options {
	t.Helper()
	o := closedSegmentsIn(t, fs, dir, repairedEvents)
	names := segmentNames(t, fs, o)
	if len(names) < 3 {
		t.Fatalf("there are only %v", names)
	}
	name := names[(which+len(names))%len(names)]
	f, err := fs.OpenReadWrite(fs.PathJoin(o.Path, name), vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.WriteAt([]byte{0}, 9)
	must(t, err)
	_, err = f.WriteAt([]byte{0}, 0)
	must(t, err, f.Sync(), f.Close())
	d, err := fs.OpenDir(o.Path)
	must(t, err, d.Sync(), d.Close())
	return o
}

// checkNothingLost opens the buffer, which must have and deliver every event.
func checkNothingLost(t *testing.T, when string, o Options) {
	t.Helper()
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("%s: then: %v", when, err)
	}
	defer b.Close()
	for p := uint64(1); p <= repairedEvents; p++ {
		if e, err := b.Event(t.Context(), p); err != nil || e.ID != fmt.Sprint(p-1) {
			t.Fatalf("%s: event %d: id %q, %v", when, p, e.ID, err)
		}
	}
	checkRepairedDelivery(t, b, repairedEvents, 0)
	for _, name := range segmentNames(t, o.FS, o) {
		if _, err := o.FS.Stat(o.FS.PathJoin(o.Path, name+".new")); err == nil {
			t.Errorf("%s: %s.new is left", when, name)
		}
	}
	if n := len(b.Stats().Damaged); n != 1 {
		t.Errorf("%s: %d sets of files are set aside, want one", when, n)
	}
}

func eachFlawedLog(t *testing.T, f func(t *testing.T, which, step int)) {
	step := sweep{long: 1, seeds: 3, usual: 9, short: 15}.pick()
	for name, which := range map[string]int{"the first file": 0, "one in the middle": 1, "the last file": -1} {
		t.Run(name, func(t *testing.T) { f(t, which, step) })
	}
}

// A disk that gets full while the log is repaired, at whatever step, costs no event.
func TestFullDiskWhileTheLogIsRepaired(t *testing.T) {
	eachFlawedLog(t, func(t *testing.T, which, step int) {
		for n := 1; ; n += step {
			mem := vfs.NewMem()
			o := flawedLog(t, mem, "buffer", which)
			var count atomic.Int64
			failing := o
			failing.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && count.Add(1) == int64(n) {
					return syscall.ENOSPC
				}
				return nil
			}))
			b, err := Open(t.Context(), failing)
			struck := count.Load() >= int64(n)
			if err == nil {
				_ = b.Close()
			}
			checkNothingLost(t, fmt.Sprintf("full before write %d", n), o)
			if !struck {
				return
			}
		}
	})
}

// A power cut while the log is repaired, at whatever step, costs no event.
func TestPowerCutWhileTheLogIsRepaired(t *testing.T) {
	eachFlawedLog(t, func(t *testing.T, which, step int) {
		for n := 1; ; n += step {
			var cut *vfs.MemFS
			for _, kept := range []int{0, 50, 100} {
				mem := vfs.NewCrashableMem()
				o := flawedLog(t, mem, "buffer", which)
				cut = nil
				crashing := o
				var opened atomic.Bool
				crashing.FS = countingFS(mem, n, func() {
					if !opened.Load() {
						cut = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept,
							RNG: rand.New(rand.NewPCG(uint64(n), 1))})
					}
				})
				b, err := Open(t.Context(), crashing)
				opened.Store(true)
				must(t, err, b.Close())
				if cut == nil {
					return
				}
				o.FS = cut
				checkNothingLost(t, fmt.Sprintf("cut before write %d, %d%% kept", n, kept), o)
			}
		}
	})
}
