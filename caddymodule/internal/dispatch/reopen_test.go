package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// reopen puts settled events back, with a memo beside.
func (r *rig) reopen(ids ...string) {
	r.t.Helper()
	var items []dispatch.Reopening
	for _, id := range ids {
		position, err := r.store.Lookup(context.Background(), "", id)
		if err != nil {
			r.t.Fatalf("looking up %s: %v", id, err)
		}
		lane, _, _ := strings.Cut(id, ":")
		items = append(items, dispatch.Reopening{
			Event: &buffer.Event{Position: position, VehicleID: lane}, Replay: "job",
		})
	}
	memo := &buffer.Memo{Key: "replay/job", Value: []byte(fmt.Sprint(ids))}
	if err := r.d.Reopen(context.Background(), items, memo); err != nil {
		r.t.Fatalf("reopen: %v", err)
	}
	if got, err := r.consumer.Memo(context.Background(), "replay/job"); err != nil || string(got) != fmt.Sprint(ids) {
		r.t.Errorf("memo %q, %v", got, err)
	}
}

func TestReopen(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.add("a:1", "a:2", "b:1", "b:2")
		r.start()
		r.wantDeliveries("a:1#1", "a:2#1", "b:1#1", "b:2#1")
		for _, id := range []string{"a:1", "a:2", "b:1", "b:2"} {
			if d, _ := r.h.latest(id); d.Replay {
				t.Errorf("%s is said to be a replay", id)
			}
		}
		r.h.on("a:2", retry("x"))
		r.reopen("a:1", "a:2", "b:2")
		r.wantDeliveries("a:1#1", "a:2#1", "b:2#1")
		r.add("a:3")
		r.after(2 * time.Second)
		r.wantDeliveries("a:2#2", "a:3#1")
		for _, id := range []string{"a:1", "a:2", "a:3", "b:1", "b:2"} {
			d, _ := r.h.latest(id)
			if want := id == "a:1" || id == "a:2" || id == "b:2"; d.Replay != want {
				t.Errorf("%s: replay is %t, want %t", id, d.Replay, want)
			}
		}
		if s := r.d.Stats(); s.Replayed != 3 || s.Delivered != 8 || s.WaitingLanes != 0 {
			t.Errorf("stats %+v", s)
		}
		r.stop()
		if err := r.d.Reopen(context.Background(), nil, nil); !errors.Is(err, dispatch.ErrStopped) {
			t.Errorf("reopen after stop: %v", err)
		}
	})
}

// What is reopened comes before later events of its lane that did not begin.
func TestReopenedComesBeforeWhatIsLater(t *testing.T) {
	for _, head := range []string{"with the handler", "waits for a retry", "is ready"} {
		t.Run(head, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, r *rig) {
				r.add("a:1", "a:2", "a:3", "a:4")
				r.start()
				r.wantDeliveries("a:1#1", "a:2#1", "a:3#1", "a:4#1")
				release := make(chan struct{})
				want := []string{"a:5", "a:2", "a:3", "a:6", "a:7"}
				switch head {
				case "with the handler":
					r.h.on("a:5", reply{Result: dispatch.Result{Status: dispatch.Done}, wait: release})
				case "waits for a retry":
					r.h.on("a:5", retryAfter(time.Minute))
					want = []string{"a:5", "a:2", "a:3", "a:5", "a:6", "a:7"}
				case "is ready":
					r.d.Pause()
					want = []string{"a:2", "a:3", "a:5", "a:6", "a:7"}
				}
				r.add("a:5", "a:6", "a:7")
				synctest.Wait()
				r.h.begin()
				if head != "is ready" {
					r.h.begin("a:5")
				}
				r.reopen("a:2", "a:3")
				close(release)
				r.d.Resume()
				r.after(time.Second)
				if !slices.Contains(r.h.sequence(), "a:3") {
					t.Errorf("after a second: deliveries %q: the reopened wait for what comes after them", r.h.sequence())
				}
				r.after(2 * time.Minute)
				if !slices.Equal(r.h.sequence(), want) {
					t.Errorf("deliveries %q, want %q", r.h.sequence(), want)
				}
				r.stop()
			})
		})
	}
}

func TestReopenDuringALookUpIsNotForgotten(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		s := &slowLookUp{let: make(chan struct{})}
		r.wrap = func(c buffer.Consumer) buffer.Consumer { s.Consumer = c; return s }
		r.h.on("a:2", retry("x"))
		r.add("a:1", "a:2")
		r.start()
		r.wantDeliveries("a:1#1", "a:2#1")
		r.after(2 * time.Second)
		s.let <- struct{}{} // finds a:2
		r.wantDeliveries("a:2#2")
		r.reopen("a:1") // while the next look-up, which found nothing, is under way
		r.wantDeliveries()
		close(s.let)
		r.wantDeliveries("a:1#1")
		r.stop()
	})
}

// An event settled in an earlier run may lie beyond what this run has read.
func TestReopenBeyondWhatWasRead(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		release := make(chan struct{})
		hang := reply{Result: dispatch.Result{Status: dispatch.Done}, wait: release}
		r.h.on("a:1", hang, hang)
		r.add("a:1", "b:1", "b:2", "b:3")
		r.start()
		r.wantDeliveries("a:1#1", "b:1#1", "b:2#1", "b:3#1")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.d.Stop(ctx)
		r.consumer.Close()
		r.start()
		r.wantDeliveries("a:1#1")
		r.reopen("b:2", "b:3")
		r.after(time.Second)
		r.wantDeliveries("b:2#1", "b:3#1")
		close(release)
		r.stop()
	})
}

func TestReopenedLetterGoesInTheSameStep(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.h.on("a:1", reply{Result: dispatch.Result{Status: dispatch.Reject}})
		r.add("a:1", "a:2")
		r.start()
		r.wantDeliveries("a:1#1", "a:2#1")
		for letter := range r.store.DeadLetters(context.Background(), "") {
			if err := r.d.Reopen(context.Background(), []dispatch.Reopening{
				{Event: &letter.Event, Letter: letter.ID, Replay: "job"},
			}, nil); err != nil {
				t.Fatal(err)
			}
		}
		r.wantDeliveries("a:1#1")
		r.wantDead()
		r.stop()
	})
}
