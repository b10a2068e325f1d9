package disk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// A write that finds the disk full waits: new events are refused at once, nobody waits longer than
// allowed, and with the first free space everything goes on without a restart.
func TestFullDiskIsWaitedFor(t *testing.T) {
	for _, test := range []struct {
		name  string
		match func(errorfs.Op) bool
		err   error
	}{
		{"log write", kind(".events", errorfs.OpFileWrite), syscall.ENOSPC},
		{"log write over the quota", kind(".events", errorfs.OpFileWrite), syscall.EDQUOT},
		{"log creation", kind(".events", errorfs.OpCreate, errorfs.OpReuseForWrite), syscall.ENOSPC},
		{"table write", kind(".sst", errorfs.OpFileWrite), syscall.ENOSPC},
		{"table creation", kind(".sst", errorfs.OpCreate), syscall.ENOSPC},
		{"manifest write", kind("MANIFEST", errorfs.OpFileWrite), syscall.ENOSPC},
	} {
		t.Run(test.name, func(t *testing.T) {
			mem := vfs.NewMem()
			f := &faults{match: test.match, err: test.err}
			var j journal
			o := Options{Path: "buffer", memTable: 256 << 10, FS: errorfs.Wrap(mem, errorfs.InjectorFunc(f.inject)), Log: j.log()}
			b, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			told := newLedger()
			f.on.Store(true)
			fillDisk(t, b, told)
			begun := time.Now()
			if _, err := b.Append(t.Context(), crashEvent("knock", 1)); !errors.Is(err, buffer.ErrFull) || errors.Is(err, buffer.ErrHalted) {
				t.Fatalf("got %v, want ErrFull", err)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("the refusal took %v", took)
			}
			if s := b.Stats(); !errors.Is(s.Full, buffer.ErrFull) || s.Halted != nil {
				t.Errorf("got stats %+v", s)
			}
			// Events are refused from just before it is logged.
			await(t, time.Minute, "the log says what to do", func() bool {
				return len(j.with("level=ERROR", "the disk is full", "make room", "path=buffer")) == 1
			})
			f.on.Store(false)
			await(t, time.Minute, "events are taken again", func() bool {
				r, err := b.Append(t.Context(), crashEvent("again", 1))
				told.note(func() {
					if err == nil {
						told.appended["again"] = r.Position
					}
				})
				return err == nil
			})
			await(t, time.Minute, "it says so", func() bool { return b.Stats().Full == nil && len(j.with("level=INFO", "space again")) == 1 })
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			if wrong := verify(t.Context(), o, mem, told); len(wrong) > 0 {
				t.Errorf("after a reopen: %v", wrong[:min(len(wrong), 5)])
			}
		})
	}
}

// fillDisk appends until events are refused for want of space. Those that are on their way then may
// wait as long as they were given.
func fillDisk(t *testing.T, b *Buffer, told *ledger) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				r, err := b.Append(ctx, crashEvent(id, 4000))
				switch {
				case err == nil:
					told.note(func() { told.appended[id] = r.Position })
				case errors.Is(err, buffer.ErrFull), errors.Is(err, context.Canceled):
					return
				default:
					t.Errorf("append failed with %v", err)
					return
				}
			}
		})
	}
	await(t, time.Minute, "the disk is full", func() bool { return b.Stats().Full != nil })
	cancel()
	wg.Wait()
}

// Closing a buffer that waits for space does not wait for it.
func TestCloseEndsTheWaitForSpace(t *testing.T) {
	mem := vfs.NewMem()
	f := &faults{match: kind(".events", errorfs.OpFileWrite), err: syscall.ENOSPC}
	o := Options{Path: "buffer", FS: errorfs.Wrap(mem, errorfs.InjectorFunc(f.inject))}
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	told := newLedger()
	f.on.Store(true)
	fillDisk(t, b, told)
	begun := time.Now()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("closing took %v", took)
	}
	f.on.Store(false)
	if wrong := verify(t.Context(), o, mem, told); len(wrong) > 0 {
		t.Errorf("after a reopen: %v", wrong[:min(len(wrong), 5)])
	}
}

// A disk without space does not keep Open waiting: whoever opens tries again.
func TestOpenOnAFullDisk(t *testing.T) {
	mem := vfs.NewMem()
	f := &faults{match: someRoom, err: syscall.ENOSPC}
	f.on.Store(true)
	o := Options{Path: "buffer", FS: errorfs.Wrap(mem, errorfs.InjectorFunc(f.inject))}
	_, err := Open(t.Context(), o)
	if !errors.Is(err, buffer.ErrFull) || errors.Is(err, buffer.ErrHalted) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	f.on.Store(false)
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}
