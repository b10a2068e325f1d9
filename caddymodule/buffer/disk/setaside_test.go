package disk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/damaged"
)

// closedBuffer is one with so many events, which nobody has open.
func closedBuffer(t *testing.T, fs vfs.FS, n int) Options {
	t.Helper()
	o := Options{Path: "buffer", FS: fs}
	b, err := Open(t.Context(), o)
	must(t, err)
	appendTo(t, b, 1, n)
	must(t, b.Close())
	return o
}

// spoil makes a buffer one that cannot be opened as it is.
func spoil(t *testing.T, fs vfs.FS, o Options) {
	t.Helper()
	names, err := fs.List(o.Path)
	must(t, err)
	for _, name := range names {
		if strings.HasPrefix(name, "marker.manifest") {
			must(t, fs.Remove(fs.PathJoin(o.Path, name)))
			return
		}
	}
	t.Fatal("there is no marker")
}

// What the system refuses while a buffer is opened is no damage, whatever Pebble makes of it.
func TestWhatTheSystemRefusesIsNoDamage(t *testing.T) {
	for _, refusal := range []error{syscall.EIO, syscall.EACCES, syscall.EMFILE, syscall.ENOSPC, errInjected} {
		for _, spoilt := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, damaged %t", refusal, spoilt), func(t *testing.T) {
				checkRefusals(t, refusal, spoilt)
			})
		}
	}
}

// checkRefusals has each of the operations of a start fail in turn.
func checkRefusals(t *testing.T, refusal error, spoilt bool) {
	step := sweep{long: 1, seeds: 7, usual: 17, short: 29}.pick()
	for n := 1; ; n += step {
		mem := vfs.NewMem()
		o := closedBuffer(t, mem, 3)
		if spoilt {
			spoil(t, mem, o)
		}
		var count atomic.Int64 // Pebble cleans up on a goroutine of its own
		var struck atomic.Bool
		failing := o
		failing.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			// Some errors the buffer lives with, such as one of listing what was set aside, for people.
			if strings.HasSuffix(op.Path, damaged.Folder) {
				return nil
			}
			if count.Add(1) == int64(n) {
				struck.Store(true)
				return refusal
			}
			return nil
		}))
		b, err := Open(t.Context(), failing)
		aside := 0
		if err == nil {
			aside = len(b.Stats().Damaged)
			must(t, b.Close())
		}
		if !struck.Load() {
			return
		}
		if !spoilt && aside > 0 || err != nil && errors.As(err, new(*DamageError)) {
			t.Fatalf("operation %d: %d sets of files are set aside, %v", n, aside, err)
		}
		sets, err := damaged.List(mem, o.Path)
		must(t, err)
		if !spoilt && len(sets) > 0 {
			t.Fatalf("operation %d: %+v is set aside", n, sets)
		}
		// With the system well again, the buffer opens.
		b, err = Open(t.Context(), o)
		if err != nil {
			t.Fatalf("operation %d: then: %v", n, err)
		}
		if aside := len(b.Stats().Damaged); aside > 0 != spoilt || aside > 1 {
			t.Fatalf("operation %d: then %d sets are set aside", n, aside)
		}
		must(t, b.Close())
	}
}

// spoilLog makes the log one that cannot be repaired: a segment is missing whose changes the store lacks.
func spoilLog(t *testing.T, fs vfs.FS, o Options) {
	t.Helper()
	spoil(t, fs, o)
	names, err := fs.List(o.Path)
	must(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, ".events") {
			f, err := fs.OpenReadWrite(fs.PathJoin(o.Path, name), vfs.WriteCategoryUnspecified)
			must(t, err)
			_, err = f.WriteAt(make([]byte, 1500), 0)
			must(t, err, f.Sync(), f.Close())
		}
	}
}

// A process that is killed, or a power cut, while files are set aside leaves what the next start can finish.
func TestPowerCutWhileFilesAreSetAside(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, vfs.FS, Options){"the store": spoil, "all files": spoilLog} {
		t.Run(name, func(t *testing.T) {
			step := sweep{long: 1, seeds: 6, usual: 13, short: 25}.pick()
			for n := 1; cutWhileSettingAside(t, n, spoil); n += step {
				continue
			}
		})
	}
}

// cutWhileSettingAside cuts the power before the nth write, and returns false when there are not so many.
func cutWhileSettingAside(t *testing.T, n int, spoil func(*testing.T, vfs.FS, Options)) bool {
	for _, kept := range []int{0, 50, 100} {
		mem := vfs.NewCrashableMem()
		o := closedBuffer(t, mem, 20)
		spoil(t, mem, o)
		dir, err := mem.OpenDir(o.Path)
		must(t, err, dir.Sync(), dir.Close())
		var cut *vfs.MemFS
		crashing := o
		crashing.FS = countingFS(mem, n, func() {
			cut = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(uint64(n), 1))})
		})
		b, err := Open(t.Context(), crashing)
		must(t, err, b.Close())
		if cut == nil {
			return false
		}
		checkAfterCut(t, n, o, cut)
	}
	return true
}

func checkAfterCut(t *testing.T, n int, o Options, cut *vfs.MemFS) {
	t.Helper()
	o.FS = cut
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("cut before write %d: %v", n, err)
	}
	r, err := b.Append(t.Context(), crashEvent("after", 10))
	must(t, err)
	if r.Position <= 20 {
		t.Errorf("cut before write %d: the next event got position %d", n, r.Position)
	}
	there := 0
	for p := range uint64(20) {
		if _, err := b.Event(t.Context(), p+1); err == nil {
			there++
		}
	}
	must(t, b.Close())
	sets, err := damaged.List(cut, o.Path)
	must(t, err)
	aside := slices.ContainsFunc(sets, func(s damaged.Set) bool {
		return slices.ContainsFunc(s.Present, func(name string) bool { return strings.Contains(name, ".events") })
	})
	if there < 20 && !aside {
		t.Errorf("cut before write %d: %d events are there, and no file of events is set aside: %+v", n, there, sets)
	}
}

// Files that another program may have written are left alone.
func TestFilesOfOthersAreNotSetAside(t *testing.T) {
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("buffer", 0o700))
	for _, name := range []string{"000004.sst", "MANIFEST-000001"} {
		f, err := mem.Create("buffer/"+name, vfs.WriteCategoryUnspecified)
		must(t, err, f.Close())
	}
	_, err := Open(t.Context(), Options{Path: "buffer", FS: mem})
	if err == nil || !strings.Contains(err.Error(), "a path of its own") {
		t.Errorf("got %v, want what to do", err)
	}
	if _, err := mem.Stat("buffer/000004.sst"); err != nil {
		t.Error(err)
	}
}

// A later Pebble may write what looks damaged to this one.
func TestLaterStoreIsNotSetAside(t *testing.T) {
	mem := vfs.NewMem()
	o := closedBuffer(t, mem, 3)
	names, err := mem.List(o.Path)
	must(t, err)
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, "marker.format-version."); ok {
			number, _, _ := strings.Cut(rest, ".")
			later := fmt.Sprintf("marker.format-version.%s.%03d", number, pebble.FormatNewest+1)
			must(t, mem.Rename(o.Path+"/"+name, o.Path+"/"+later))
		}
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, errOtherFormat) {
		t.Errorf("got %v, want that another version wrote it", err)
	}
	if sets, err := damaged.List(mem, o.Path); err != nil || len(sets) > 0 {
		t.Errorf("%+v is set aside, %v", sets, err)
	}
}

// What nobody has removed stays, and what somebody has is not shown any more.
func TestSetAsideIsShownUntilItIsRemoved(t *testing.T) {
	mem := vfs.NewMem()
	o := closedBuffer(t, mem, 20)
	b, err := Open(t.Context(), o)
	must(t, err)
	before := b.Stats().Bytes
	must(t, b.Close())
	spoil(t, mem, o)
	j := &journal{}
	o.Log = j.log()
	b, err = Open(t.Context(), o)
	must(t, err)
	defer b.Close()
	aside := b.Stats().Damaged
	if len(aside) != 1 || aside[0].Files < 5 || aside[0].Bytes == 0 || !strings.Contains(aside[0].Why, "marker.manifest") {
		t.Fatalf("set aside is %+v", aside)
	}
	if lines := j.with("level=ERROR", "set aside", aside[0].Name, "marker.manifest"); len(lines) != 1 {
		t.Errorf("the log says\n%s\nwant one line of it", j.all())
	}
	if b.Stats().Bytes != before {
		t.Errorf("%d bytes count for max_size, %d before", b.Stats().Bytes, before)
	}
	must(t, mem.RemoveAll(aside[0].Folder))
	b.lookSetAside()
	if aside := b.Stats().Damaged; len(aside) > 0 {
		t.Errorf("removed, and still shown: %+v", aside)
	}
}

// A disk that damages all that is written to it is not filled with files that are set aside.
func TestFilesAreNotSetAsideWithoutEnd(t *testing.T) {
	mem := vfs.NewMem()
	o := closedBuffer(t, mem, 3)
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	o.Clock = func() time.Time { return now }
	for range oftenTimes {
		spoil(t, mem, o)
		b, err := Open(t.Context(), o)
		must(t, err, b.Close())
	}
	spoil(t, mem, o)
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "see to the disk") {
		t.Fatalf("got %v, want what to do", err)
	}
	now = now.Add(oftenIn + time.Minute)
	b, err := Open(t.Context(), o)
	must(t, err, b.Close())
}
