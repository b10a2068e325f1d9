package disk

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
)

// A shortage of file descriptors, longer than the spare ones last, delays what is stored;
// it neither halts the buffer nor loses anything.
func TestShortageOfFilesPasses(t *testing.T) {
	for _, test := range []struct {
		name  string
		match func(errorfs.Op) bool
		err   error
	}{
		{"log creation", kind(".events", errorfs.OpCreate, errorfs.OpReuseForWrite), syscall.EMFILE},
		{"table creation", kind(".sst", errorfs.OpCreate), syscall.EMFILE},
		{"table reading", kind(".sst", errorfs.OpOpen), syscall.ENFILE},
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
			l, over := newLedger(), make(chan struct{})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() {
				defer f.on.Store(false)
				defer close(over)
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for f.struck.Load() < failstop.ReservedFiles+5 {
					select {
					case <-ctx.Done():
						t.Errorf("the fault struck only %d times", f.struck.Load())
						return
					case <-tick.C:
					}
				}
			})
			f.on.Store(true)
			for w := range 4 {
				wg.Go(func() {
					// On after the shortage, so that what it left behind is met.
					for i, more := 0, 500; more > 0; i++ {
						id := fmt.Sprintf("%d-%d", w, i)
						r, err := b.Append(ctx, crashEvent(id, 4000))
						if err != nil {
							t.Errorf("append: %v", err)
							return
						}
						l.note(func() { l.appended[id] = r.Position })
						select {
						case <-over:
							more--
						default:
						}
					}
				})
			}
			wg.Go(func() {
				for {
					leases, err := c.Lease(ctx, buffer.Room{Events: 1})
					if err != nil || len(leases) == 0 {
						t.Errorf("lease: %v", err)
						return
					}
					select {
					case <-over:
						return
					default:
					}
				}
			})
			wg.Wait()
			if err := b.Stats().Halted; err != nil {
				t.Errorf("halted: %v", err)
			}
			if err := b.Close(); err != nil {
				t.Errorf("closing: %v", err)
			}
			if t.Failed() {
				return
			}
			if wrong := verify(t.Context(), o, mem, l); len(wrong) > 0 {
				t.Errorf("after a reopen: %v", wrong[:min(len(wrong), 5)])
			}
		})
	}
}

// A buffer that waits for a descriptor can be closed.
func TestShortageOfFilesEndsWithClose(t *testing.T) {
	f := &faults{match: kind(".events", errorfs.OpCreate, errorfs.OpReuseForWrite), err: syscall.EMFILE}
	b, err := Open(t.Context(), Options{Path: "buffer", memTable: 256 << 10, FS: errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(f.inject))})
	if err != nil {
		t.Fatal(err)
	}
	f.on.Store(true)
	appended := make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			if _, err := b.Append(context.Background(), crashEvent(fmt.Sprint(i), 4000)); err != nil {
				appended <- err
				return
			}
		}
	}()
	for f.struck.Load() < failstop.ReservedFiles+5 {
		select {
		case err := <-appended:
			t.Fatal(err)
		case <-t.Context().Done():
			t.Fatal("the fault never struck")
		case <-time.After(time.Millisecond):
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- b.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Close hangs")
	}
	if err := <-appended; err == nil {
		t.Error("an append of a closed buffer worked")
	}
}
