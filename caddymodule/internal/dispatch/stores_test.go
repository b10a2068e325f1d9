package dispatch_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// benchStore makes an empty buffer outside of virtual time, on the machine's own disk.
func benchStore(b *testing.B, name string) buffer.Buffer {
	b.Helper()
	if name == "memory" {
		return newMemory()
	}
	store, err := disk.Open(context.Background(), disk.Options{Path: b.TempDir()})
	if err != nil {
		b.Fatalf("opening the disk buffer: %v", err)
	}
	return store
}

// openStore makes an empty buffer.
type openStore func(t *testing.T) buffer.Buffer

// stores are the buffers that every test runs on.
var stores = map[string]openStore{
	"memory": func(*testing.T) buffer.Buffer { return newMemory() },
	"disk": func(t *testing.T) buffer.Buffer {
		// The store pools objects with channels, and a channel must not wander from one
		// synctest bubble to the next. Two collections empty every sync.Pool.
		runtime.GC()
		runtime.GC()
		b, err := disk.Open(context.Background(), disk.Options{Path: "/smartcar", FS: vfs.NewMem()})
		if err != nil {
			t.Fatalf("opening the disk buffer: %v", err)
		}
		return b
	},
}
