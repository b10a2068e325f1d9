package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// A copy of the directory that is made while events come and are settled, file by file as cp and rsync do, opens, and has
// every event that was acknowledged before.
func TestHotCopy(t *testing.T) {
	for round := range 4 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "buffer")
			b, err := Open(t.Context(), Options{Path: dir, segment: 256 << 10}.WithMemTable(64<<10))
			must(t, err)
			c := openConsumer(t, b, "h")

			ctx, cancel := context.WithCancel(t.Context())
			var load sync.WaitGroup
			var stored atomic.Int64
			underWay := make(chan struct{})
			begin := sync.OnceFunc(func() { close(underWay) })
			load.Go(func() {
				defer begin() // also when it fails
				for i := int64(1); ctx.Err() == nil; i++ {
					if _, err := b.Append(context.Background(), crashEvent(fmt.Sprintf("%d-%d", round, i), 2000)); err != nil {
						t.Error(err)
						return
					}
					stored.Store(i)
					if i == int64(300+100*round) {
						begin()
					}
				}
			})
			load.Go(func() {
				for {
					leases, err := c.Lease(ctx, buffer.Room{Events: 10})
					if err != nil {
						return
					}
					for _, l := range leases {
						must(t, c.Settle(context.Background(), buffer.Outcome{Position: l.Event.Position, Verb: buffer.Done}))
					}
				}
			})
			<-underWay
			before := stored.Load()
			copied := filepath.Join(t.TempDir(), "copy")
			copyHot(t, dir, copied)
			after := stored.Load()
			cancel()
			load.Wait()
			must(t, b.Close())

			restored, err := Open(t.Context(), Options{Path: copied})
			must(t, err)
			defer restored.Close()
			seen, damaged := int64(0), 0
			for _, err := range restored.Events(t.Context(), buffer.Range{}) {
				if err != nil {
					damaged++
					continue
				}
				seen++
			}
			s := restored.Stats()
			t.Logf("%d acknowledged before the copy, %d after; the copy has %d, %d damaged; set aside %+v, control lost %v, corrupt %d",
				before, after, seen, damaged, s.Damaged, s.ControlLost, s.Corrupt)
			if seen < before {
				t.Errorf("%d events, want at least %d", seen, before)
			}
		})
	}
}

// copyHot copies a directory file by file. A file that is gone meanwhile is left out.
func copyHot(t *testing.T, from, to string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		must(t, err)
		rel, err := filepath.Rel(from, path)
		must(t, err)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		in, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		must(t, err)
		defer in.Close()
		out, err := os.OpenFile(filepath.Join(to, rel), os.O_CREATE|os.O_WRONLY, 0o600)
		must(t, err)
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	}))
}
