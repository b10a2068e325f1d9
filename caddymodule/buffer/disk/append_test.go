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
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/dedupe"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// heldFS lets syncs of the log wait until they are let go.
type heldFS struct {
	hold    atomic.Bool
	reached chan struct{}
	letGo   chan struct{}
	once    sync.Once
}

func newHeldFS() *heldFS {
	return &heldFS{reached: make(chan struct{}, 1), letGo: make(chan struct{})}
}

func (h *heldFS) release() {
	h.once.Do(func() {
		h.hold.Store(false)
		close(h.letGo)
	})
}

func (h *heldFS) inject(op errorfs.Op) error {
	if h.hold.Load() && kind(".events", errorfs.OpFileSync, errorfs.OpFileSyncData)(op) {
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
	// Before the buffer is closed, also when the test failed.
	t.Cleanup(h.release)
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
	h.release()
	r, err := b.Append(t.Context(), crashEvent("1", 5000))
	if err != nil || r.Position != 1 || !r.Duplicate {
		t.Fatalf("sent again: got %+v, %v", r, err)
	}
	c := openConsumer(t, b, "a")
	l, err := c.Lease(t.Context(), buffer.Room{Events: 1})
	if err != nil || string(l[0].Event.Body) != string(crashEvent("1", 5000).Body) {
		t.Fatalf("the stored body is not the one sent (%v)", err)
	}
}

// While a sync is under way: nothing is leased, the store has none of it, a duplicate waits, and what
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
	if leases, _, err := c.(*Consumer).scan(buffer.Room{Events: 10}); len(leases) != 0 || err != nil || c.Stats().Pending != 0 {
		t.Fatalf("%d events are leased before their sync (%v)", len(leases), err)
	}
	first := b.committer.newAppendTask(crashEvent("first", 10))
	if r, stored, err := b.lookUp(first); stored || err != nil {
		t.Fatalf("the event being synced is called stored: %+v, %v", r, err)
	}
	if r, _, err := b.loadApplied(); err != nil || r.next != 1 {
		t.Fatalf("the store has what is before %d while it is being synced (%v)", r.next, err)
	}
	h.release()
	wg.Wait()
	if n := b.Stats().Syncs - before; n != 2 {
		t.Fatalf("%d syncs for %d appends, want 2", n, more+1)
	}
}

func TestAppendTooLarge(t *testing.T) {
	b, _ := openFor(t, Options{})
	if _, err := b.Append(t.Context(), &buffer.Event{Body: make([]byte, format.MaxEvent+1)}); err == nil {
		t.Fatal("it was taken")
	}
}

// An append that was looked up long before its turn must be looked up again: what
// the committer keeps in memory does not go back that far.
func TestAppendLookedUpLongAgo(t *testing.T) {
	b, _ := openFor(t, Options{})
	task := b.committer.newAppendTask(crashEvent("x", 1))
	appendTo(t, b, 1, 1)
	if _, err := b.Append(t.Context(), crashEvent("x", 1)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := range 2 * (dedupe.RecentSize + 64) / 64 {
				if _, err := b.Append(t.Context(), crashEvent(fmt.Sprintf("%d-%d", w, i), 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if b.dedupe.Covers(task.group) {
		t.Fatal("the groups kept in memory go back to the start; the test shows nothing")
	}
	if _, err := b.committer.do(t.Context(), task, &task.waiter); err != nil || !task.receipt.Duplicate {
		t.Fatalf("got %+v, %v; want a duplicate", task.receipt, err)
	}
}
