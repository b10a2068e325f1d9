package disk

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// What the committer has forgotten is found through the filter. So it is in a buffer that
// is opened again, at first in the store and then through the filter, loaded in several chunks.
func TestFilterLeadsToStoredDuplicates(t *testing.T) {
	o := Options{Path: "buffer", FS: vfs.NewMem()}
	ctx := t.Context()
	b, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	const n = 3*8192 + 100 // more than the committer remembers
	var senders sync.WaitGroup
	for s := range 32 {
		senders.Go(func() {
			for i := s; i < n; i += 32 {
				if _, err := b.Append(ctx, crashEvent(fmt.Sprint(i), 10)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	for i := range 100 {
		if r, err := b.Append(ctx, crashEvent(fmt.Sprint(i), 10)); err != nil || !r.Duplicate {
			t.Fatalf("event %d again: got %+v, %v; want a duplicate", i, r, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	if b, err = Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	deadline := time.After(10 * time.Second)
	for i := 0; !b.dedupe.Loaded() || i < 1000; i++ {
		select {
		case <-deadline:
			t.Fatal("the filter is not loaded after 10 s")
		default:
		}
		r, err := b.Append(ctx, crashEvent(fmt.Sprint(i%n), 10))
		if err != nil || !r.Duplicate {
			t.Fatalf("event %d again: got %+v, %v; want a duplicate", i%n, r, err)
		}
	}
	if !b.dedupe.Excludes(format.MakeDedupeKey("elsewhere", "new")) {
		t.Error("a new id is not excluded after loading")
	}
	if r, err := b.Append(ctx, crashEvent("new", 10)); err != nil || r.Duplicate {
		t.Errorf("a new event: got %+v, %v", r, err)
	}
}
