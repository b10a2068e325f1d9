package disk

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// A sync of the log that fails once halts the buffer, although the next one would work: the
// system may have dropped what it could not write, and say so only once.
func TestFailedSyncIsNotTriedAgain(t *testing.T) {
	var armed atomic.Bool
	var after atomic.Int64
	isLogSync := kind(".events", errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo)
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch {
		case !isLogSync(op):
			return nil
		case armed.CompareAndSwap(true, false):
			after.Store(1)
			return errInjected
		case after.Load() > 0:
			after.Add(1)
		}
		return nil
	}))
	b, err := Open(t.Context(), Options{Path: "buffer", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Append(t.Context(), crashEvent("1", 10)); err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	for _, id := range []string{"2", "2", "3"} {
		_, err := b.Append(t.Context(), crashEvent(id, 10))
		if !errors.Is(err, buffer.ErrHalted) || !strings.Contains(err.Error(), errInjected.Error()) {
			t.Errorf("event %s after a failed sync: %v, want ErrHalted with the cause", id, err)
		}
	}
	if n := after.Load(); n != 1 {
		t.Errorf("the log was synced %d times after a sync that failed", n-1)
	}
}
