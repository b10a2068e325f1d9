package disk

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Opening is tried again and again while it fails. So whichever of its writes fails, on a new buffer as on one that is
// there, nothing stays behind of it, and the next attempt succeeds.
func TestOpenLeavesNothingBehind(t *testing.T) {
	tests := []struct {
		name  string
		isNew bool
	}{{"a new buffer", true}, {"one that is there", false}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for n := int64(1); ; n++ {
				o := Options{Path: "buffer", FS: vfs.NewMem()}
				if !tt.isNew {
					reopen(t, o)
				}
				var writes atomic.Int64
				failing := o
				failing.FS = errorfs.Wrap(o.FS, errorfs.InjectorFunc(func(op errorfs.Op) error {
					if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && writes.Add(1) == n {
						return syscall.EIO
					}
					return nil
				}))
				running := goleak.IgnoreCurrent()
				b, err := Open(t.Context(), failing)
				if err == nil {
					err = b.Close()
				}
				if err := goleak.Find(running); err != nil {
					t.Fatalf("write %d failed: %v", n, err)
				}
				if writes.Load() < n {
					return
				}
				if err != nil && (!errors.Is(err, syscall.EIO) || errors.Is(err, buffer.ErrFull) || errors.Is(err, buffer.ErrLocked)) {
					t.Errorf("write %d failed: %v", n, err)
				}
				reopen(t, o)
			}
		})
	}
}

func reopen(t *testing.T, o Options) {
	t.Helper()
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}
