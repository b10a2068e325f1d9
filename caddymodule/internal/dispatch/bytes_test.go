package dispatch_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// Large bodies, a handler that takes batches and hangs, and then everything that failed comes again: what is in memory
// stays within MaxBytes all the time, and no lane loses its order.
func TestBodiesInMemoryAreBounded(t *testing.T) {
	const body = 200 << 10
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Batch.MaxEvents = 50 // 16 calls of 50 would have 160 MB in flight
		r.cfg.MaxBytes = 4 << 20
		r.cfg.Retry.MaxAttempts = 1 << 20
		r.cfg.Breaker.Failures = 1 << 20
		var w *weighed
		r.wrap = func(c buffer.Consumer) buffer.Consumer { w = &weighed{Consumer: c}; return w }
		large := bytes.Repeat([]byte(" "), body)
		want := map[string]int{}
		for i := range 120 {
			lane := fmt.Sprintf("v%d", i)
			if i%3 == 0 {
				lane = "hot"
			}
			want[lane]++
			id := fmt.Sprintf("%s:%d", lane, want[lane])
			e := &buffer.Event{ID: id, VehicleID: lane, Type: "VEHICLE_STATE", Body: large}
			if _, err := r.store.Append(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		h := &hanging{hangs: true}
		r.startWith(h)
		defer r.stop()
		most := 0
		for range 150 {
			r.after(time.Second / 3)
			most = max(most, w.inMemory())
			if s := r.d.Stats(); s.BytesInMemory > r.cfg.MaxBytes {
				t.Fatalf("after %s: stats %+v", time.Since(r.begun), s)
			}
		}
		if most > r.cfg.MaxBytes || most < r.cfg.MaxBytes/4 {
			t.Errorf("%d bytes of bodies in memory, at most %d are allowed", most, r.cfg.MaxBytes)
		}
		h.recover()
		for range 60 {
			r.after(time.Minute)
			if n := w.inMemory(); n > r.cfg.MaxBytes {
				t.Fatalf("%d bytes of bodies in memory, at most %d are allowed", n, r.cfg.MaxBytes)
			}
		}
		if s := r.d.Stats(); s.Delivered != 120 || s.BytesInMemory != 0 || w.inMemory() != 0 {
			t.Errorf("stats at the end %+v; %d bytes in memory", s, w.inMemory())
		}
		h.wantOrder(t, want)
	})
}

// A body larger than all that may be in memory is delivered all the same, and others after it.
func TestBodyLargerThanTheBound(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.MaxBytes = 1000
		for _, id := range []string{"a:1", "b:1", "a:2", "c:1"} {
			e := &buffer.Event{ID: id, VehicleID: id[:1], Type: "VEHICLE_STATE", Body: make([]byte, 5000)}
			if _, err := r.store.Append(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		r.h.on("a:1", retry("x"))
		r.start()
		defer r.stop()
		r.after(time.Minute)
		r.wantDeliveries("a:1#1", "a:1#2", "a:2#1", "b:1#1", "c:1#1")
	})
}

// weighed sees which of the bodies that it handed out are still in memory.
type weighed struct {
	buffer.Consumer
	mu     sync.Mutex
	bodies []weak.Pointer[byte]
	size   int // of one
}

func (w *weighed) Lease(ctx context.Context, room buffer.Room) ([]buffer.Lease, error) {
	leases, err := w.Consumer.Lease(ctx, room)
	return w.weigh(leases), err
}

func (w *weighed) LeaseDeferred(ctx context.Context, lane string, room buffer.Room) ([]buffer.Lease, error) {
	leases, err := w.Consumer.LeaseDeferred(ctx, lane, room)
	return w.weigh(leases), err
}

// weigh gives each lease a body of its own, which nobody holds but who has the lease.
func (w *weighed) weigh(leases []buffer.Lease) []buffer.Lease {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range leases {
		b := slices.Clone(leases[i].Event.Body)
		leases[i].Event.Body = b
		w.bodies, w.size = append(w.bodies, weak.Make(&b[0])), len(b)
	}
	return leases
}

func (w *weighed) inMemory() (n int) {
	runtime.GC()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bodies = slices.DeleteFunc(w.bodies, func(p weak.Pointer[byte]) bool { return p.Value() == nil })
	return len(w.bodies) * w.size
}

// hanging is a handler that gives no answer until it recovers. It keeps nothing of an event but its id.
type hanging struct {
	mu    sync.Mutex
	hangs bool
	done  []string
}

func (h *hanging) recover() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hangs = false
}

func (h *hanging) Ready(context.Context) error { return nil }
func (h *hanging) MaxBatch() int               { return 50 }
func (h *hanging) Wants(string) bool           { return true }

func (h *hanging) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	h.mu.Lock()
	hangs := h.hangs
	h.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	results := make([]dispatch.Result, len(batch))
	for i, d := range batch {
		h.done = append(h.done, strings.Clone(d.Event.ID))
		results[i].Status = dispatch.Done
	}
	return results, nil
}

// wantOrder checks that so many events of each lane were done, each once and in order.
func (h *hanging) wantOrder(t *testing.T, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for _, id := range h.done {
		lane, _, _ := strings.Cut(id, ":")
		got[lane]++
		if id != fmt.Sprintf("%s:%d", lane, got[lane]) {
			t.Errorf("%s came as number %d of its lane", id, got[lane])
		}
	}
	for lane, n := range want {
		if got[lane] != n {
			t.Errorf("lane %s: %d events, want %d", lane, got[lane], n)
		}
	}
}
