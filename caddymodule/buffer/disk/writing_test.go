package disk

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// While the disk hangs, Stats says for how long, by a clock that does not jump; and no more when it goes on.
func TestStatsTellAHangingDisk(t *testing.T) {
	var hangs atomic.Bool
	var elapsed atomic.Int64
	hanging, well := make(chan struct{}), make(chan struct{})
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".events") && op.Kind == errorfs.OpFileSyncData && hangs.CompareAndSwap(true, false) {
			close(hanging)
			<-well
		}
		return nil
	}))
	b, err := Open(t.Context(), Options{
		Path: "buffer", FS: fs, Limits: Limits{Headroom: 1},
		Elapsed: func() time.Duration { return time.Duration(elapsed.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	wantWriting := func(want time.Duration) {
		t.Helper()
		if got := b.Stats().Writing; got != want {
			t.Errorf("writing for %v, want %v", got, want)
		}
	}
	store := func(id string) error {
		_, err := b.Append(t.Context(), &buffer.Event{Source: "s", ID: id, Body: []byte("{}")})
		return err
	}
	if err := store("before"); err != nil {
		t.Fatal(err)
	}
	wantWriting(0)

	hangs.Store(true)
	stored := make(chan error, 1)
	go func() { stored <- store("on its way") }()
	<-hanging
	elapsed.Add(int64(7 * time.Second))
	wantWriting(7 * time.Second)
	elapsed.Add(int64(time.Minute))
	wantWriting(67 * time.Second)

	close(well)
	if err := <-stored; err != nil {
		t.Fatal(err)
	}
	wantWriting(0)
}
