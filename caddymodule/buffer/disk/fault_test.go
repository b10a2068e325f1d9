package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// countingFS calls f before the n-th write operation.
func countingFS(fs vfs.FS, n int, f func()) vfs.FS {
	var count atomic.Int64
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && count.Add(1) == int64(n) {
			f()
		}
		return nil
	}))
}

// faults fails operations that match, once it is on.
type faults struct {
	on     atomic.Bool
	match  func(errorfs.Op) bool
	err    error
	struck atomic.Int64
}

func (f *faults) inject(op errorfs.Op) error {
	if f.on.Load() && f.match(op) {
		f.struck.Add(1)
		return f.err
	}
	return nil
}

func kind(suffix string, kinds ...errorfs.OpKind) func(errorfs.Op) bool {
	return func(op errorfs.Op) bool {
		manifest := suffix == "MANIFEST" && strings.Contains(op.Path, suffix)
		if !manifest && !strings.HasSuffix(op.Path, suffix) {
			return false
		}
		for _, k := range kinds {
			if op.Kind == k {
				return true
			}
		}
		return false
	}
}

// A failed write of any of Pebble's files halts the buffer, hangs nobody, ends no
// process, and loses nothing that was acknowledged.
func TestFailedWritesHalt(t *testing.T) {
	syncs := []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
	for _, test := range []struct {
		name  string
		match func(errorfs.Op) bool
		err   error
		full  bool
	}{
		{"log write", kind(".events", errorfs.OpFileWrite), errInjected, false},
		{"log sync", kind(".events", syncs...), errInjected, false},
		{"log sync without space", kind(".events", syncs...), syscall.ENOSPC, true},
		{"log creation", kind(".events", errorfs.OpCreate, errorfs.OpReuseForWrite), errInjected, false},
		{"table creation", kind(".sst", errorfs.OpCreate), errInjected, false},
		{"table write", kind(".sst", errorfs.OpFileWrite), errInjected, false},
		{"table sync", kind(".sst", syncs...), errInjected, false},
		{"manifest write", kind("MANIFEST", errorfs.OpFileWrite), errInjected, false},
		{"manifest sync", kind("MANIFEST", syncs...), errInjected, false},
		{"directory sync", kind("buffer", syncs...), errInjected, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			mem := vfs.NewMem()
			f := &faults{match: test.match, err: test.err}
			o := Options{Path: "buffer", memTable: 256 << 10, FS: errorfs.Wrap(mem, errorfs.InjectorFunc(f.inject))}
			b, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			c, err := b.Consumer(t.Context(), "h")
			if err != nil {
				t.Fatal(err)
			}
			told := strike(t, b, c, f)
			checkHalted(t, b, c, test.err, test.full)
			if err := b.Close(); err != nil {
				t.Errorf("closing: %v", err)
			}
			// With the disk well again, the directory must be as after a crash.
			f.on.Store(false)
			if wrong := verify(t.Context(), o, mem, told); len(wrong) > 0 {
				t.Errorf("after a reopen: %v", wrong[:min(len(wrong), 5)])
			}
		})
	}
}

// strike appends from several goroutines until the fault has halted the buffer, with
// a reader waiting.
func strike(t *testing.T, b *Buffer, c buffer.Consumer, f *faults) *ledger {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	l := newLedger()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			// Enough to fill memtables, so that all files get their turn.
			for i := range 4000 {
				id := fmt.Sprintf("%d-%d", w, i)
				r, err := b.Append(ctx, crashEvent(id, 4000))
				if err != nil {
					if !errors.Is(err, buffer.ErrHalted) {
						t.Errorf("append failed with %v, want ErrHalted", err)
					}
					return
				}
				l.note(func() { l.appended[id] = r.Position })
				if i == 20 {
					f.on.Store(true)
				}
			}
			t.Error("the buffer was never halted")
		})
	}
	wg.Go(func() {
		for {
			leases, err := c.Lease(ctx, buffer.Room{Events: 10})
			if errors.Is(err, buffer.ErrHalted) {
				return
			}
			if err != nil {
				t.Errorf("Lease failed with %v, want ErrHalted", err)
				return
			}
			for _, le := range leases {
				if c.Settle(ctx, buffer.Outcome{Position: le.Event.Position, Verb: buffer.Done}) == nil {
					l.note(func() { l.settled[le.Event.Position] = true })
				}
			}
		}
	})
	wg.Wait()
	if f.struck.Load() == 0 {
		t.Fatal("the fault never struck")
	}
	return l
}

func checkHalted(t *testing.T, b *Buffer, c buffer.Consumer, cause error, full bool) {
	t.Helper()
	_, appendErr := b.Append(t.Context(), crashEvent("later", 1))
	_, leaseErr := c.Lease(t.Context(), buffer.Room{Events: 1})
	for what, err := range map[string]error{"Append": appendErr, "Lease": leaseErr, "Stats": b.Stats().Halted} {
		if !errors.Is(err, buffer.ErrHalted) || !errors.Is(err, cause) {
			t.Errorf("%s: got %v, want ErrHalted with its cause", what, err)
		}
		if errors.Is(err, buffer.ErrFull) != full {
			t.Errorf("%s: got %v, is it ErrFull? want %v", what, err, full)
		}
	}
}

// Damage in the log takes the events with it that it hits, and only them.
func TestDamagedSegment(t *testing.T) {
	mem := vfs.NewMem()
	o := Options{Path: "buffer", FS: mem}
	ctx := t.Context()
	b, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	for i := range n {
		if _, err := b.Append(ctx, crashEvent(fmt.Sprint(i), 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	damageSegment(t, mem, o.Path)

	if b, err = Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c, err := b.Consumer(ctx, "h")
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for c.Stats().Pending > 0 {
		leases, err := c.Lease(ctx, buffer.Room{Events: 50})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range leases {
			got = append(got, l.Event.Position)
			if want := fmt.Sprint(l.Event.Position - 1); l.Event.ID != want {
				t.Fatalf("event %d has id %s", l.Event.Position, l.Event.ID)
			}
		}
		var outcomes []buffer.Outcome
		for _, l := range leases {
			outcomes = append(outcomes, buffer.Outcome{Position: l.Event.Position, Verb: buffer.Done})
		}
		if err := c.Settle(ctx, outcomes...); err != nil {
			t.Fatal(err)
		}
	}
	lost := n - len(got)
	if lost == 0 || lost > 40 {
		t.Fatalf("%d events are lost to some damaged bytes, want a few", lost)
	}
	if s := b.Stats(); s.Corrupt != uint64(lost) || s.DeadLetters != uint64(lost) || s.Halted != nil {
		t.Fatalf("%d are lost, stats are %+v", lost, s)
	}
	if s := c.Stats(); s.Position != n {
		t.Fatalf("the consumer stands at %d, want %d", s.Position, n)
	}
	if _, err := b.Append(ctx, crashEvent("after", 10)); err != nil {
		t.Fatal(err)
	}
}

// damageSegment flips bits in the middle of the largest segment.
func damageSegment(t *testing.T, fs *vfs.MemFS, dir string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var largest string
	var size int64
	for _, name := range names {
		info, err := fs.Stat(fs.PathJoin(dir, name))
		if err == nil && strings.HasSuffix(name, eventlog.Suffix) && info.Size() > size {
			largest, size = fs.PathJoin(dir, name), info.Size()
		}
	}
	f, err := fs.OpenReadWrite(largest, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 16)
	if _, err := f.ReadAt(b, size/2); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 0xff
	}
	if _, err := f.WriteAt(b, size/2); err != nil {
		t.Fatal(err)
	}
}

func TestReadErrorIsReportedAndPasses(t *testing.T) {
	f := &faults{match: kind(".events", errorfs.OpFileReadAt), err: errInjected}
	mem := vfs.NewMem()
	o := Options{Path: "buffer", FS: errorfs.Wrap(mem, errorfs.InjectorFunc(f.inject))}
	ctx := t.Context()
	b, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	// Many, since opening reads the first and the last.
	for i := range 100 {
		if _, err := b.Append(ctx, crashEvent(fmt.Sprint(i), 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Consumer(ctx, "h"); err != nil {
		t.Fatal(err)
	}
	if err := b.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c, err := b.Consumer(ctx, "h")
	if err != nil {
		t.Fatal(err)
	}
	f.on.Store(true)
	leased := 0
	for err = nil; err == nil && leased < 100; {
		var l []buffer.Lease
		l, err = c.Lease(ctx, buffer.Room{Events: 100})
		leased += len(l)
	}
	if !errors.Is(err, errInjected) {
		t.Fatalf("got %v after %d events, want the read error", err, leased)
	}
	f.on.Store(false)
	for leased < 100 {
		l, err := c.Lease(ctx, buffer.Room{Events: 100})
		if err != nil {
			t.Fatalf("after the error has passed: %v", err)
		}
		leased += len(l)
	}
	if s := b.Stats(); s.Halted != nil || s.Corrupt != 0 {
		t.Fatalf("got stats %+v", s)
	}
}

func TestLocked(t *testing.T) {
	o := Options{Path: t.TempDir()}
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, err = Open(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "stop that one") || !strings.Contains(err.Error(), o.Path) {
		t.Fatalf("got %v, want who has it and what to do", err)
	}
}

func TestLaterFormatIsRefused(t *testing.T) {
	o := Options{Path: "buffer", FS: vfs.NewMem()}
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.db.Set(format.MetaFormat, []byte{formatVersion + 1}, pebble.NoSync), b.db.Flush()); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Fatalf("got %v", err)
	}
}
