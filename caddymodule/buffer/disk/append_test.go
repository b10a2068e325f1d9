package disk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// heldFS lets syncs of the log wait until they are let go.
type heldFS struct {
	hold    atomic.Bool
	reached chan struct{}
	letGo   chan struct{}
}

func newHeldFS() *heldFS {
	return &heldFS{reached: make(chan struct{}, 1), letGo: make(chan struct{})}
}

func (h *heldFS) inject(op errorfs.Op) error {
	if h.hold.Load() && kind(".log", errorfs.OpFileSync, errorfs.OpFileSyncData)(op) {
		select {
		case h.reached <- struct{}{}:
		default:
		}
		<-h.letGo
	}
	return nil
}

func openHeld(t *testing.T) (*Buffer, *heldFS) {
	t.Helper()
	h := newHeldFS()
	b, _ := openFor(t, Options{FS: errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(h.inject))})
	return b, h
}

// A caller that gives up during the sync may use its memory again at once, and the event
// that is stored is the one it sent.
func TestAppendAbandoned(t *testing.T) {
	b, h := openHeld(t)
	h.hold.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	e := crashEvent("1", 5000)
	got := make(chan error)
	go func() {
		_, err := b.Append(ctx, e)
		clear(e.Body)
		got <- err
	}()
	<-h.reached
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
	h.hold.Store(false)
	close(h.letGo)
	r, err := b.Append(t.Context(), crashEvent("1", 5000))
	if err != nil || r.Position != 1 || !r.Duplicate {
		t.Fatalf("sent again: got %+v, %v", r, err)
	}
	c := openConsumer(t, b, "a")
	l, err := c.Lease(t.Context(), 1)
	if err != nil || string(l[0].Event.Body) != string(crashEvent("1", 5000).Body) {
		t.Fatalf("the stored body is not the one sent (%v)", err)
	}
}

// While a sync is under way: nothing is leased, a duplicate waits, and what
// gathers is written with one sync more.
func TestAppendGathersDuringSync(t *testing.T) {
	b, h := openHeld(t)
	c := openConsumer(t, b, "a")
	before := b.Stats().Syncs
	h.hold.Store(true)
	var wg sync.WaitGroup
	appendOne := func(id string, duplicate bool) {
		wg.Go(func() {
			if r, err := b.Append(t.Context(), crashEvent(id, 10)); err != nil || r.Duplicate != duplicate {
				t.Errorf("event %s: got %+v, %v", id, r, err)
			}
		})
	}
	appendOne("first", false)
	<-h.reached
	const more = 50
	for i := range more {
		appendOne(fmt.Sprint(i), false)
	}
	appendOne("first", true)
	for len(b.committer.queue) < more+1 {
		// The queue fills as the goroutines get their turn.
		select {
		case <-t.Context().Done():
			t.Fatal("the queue never filled")
		default:
		}
	}
	if n := c.Stats().Pending; n != 0 {
		t.Fatalf("%d events can be leased before their sync", n)
	}
	h.hold.Store(false)
	close(h.letGo)
	wg.Wait()
	if n := b.Stats().Syncs - before; n != 2 {
		t.Fatalf("%d syncs for %d appends, want 2", n, more+1)
	}
}

func TestAppendTooLarge(t *testing.T) {
	b, _ := openFor(t, Options{})
	if _, err := b.Append(t.Context(), &buffer.Event{Body: make([]byte, maxRecord+1)}); err == nil {
		t.Fatal("it was taken")
	}
}
