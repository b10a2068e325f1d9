package dispatch_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// listener notes what it is told.
type listener struct {
	mu  sync.Mutex
	all []dispatch.Settled
}

func (l *listener) Settled(s dispatch.Settled) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}

// Each event that the handler has had is told of once, however it ended, and none that it was not to have.
func TestObserver(t *testing.T) {
	rejects := reply{Result: dispatch.Result{Status: dispatch.Reject, Reason: "http_404"}}
	retries := reply{Result: dispatch.Result{Status: dispatch.Retry, Error: "busy"}}
	for _, tc := range []struct {
		name    string
		replies []reply
		want    dispatch.Settled
		counts  dispatch.Counts
	}{
		{"done", nil, dispatch.Settled{Done: true, Attempts: 1, Age: time.Minute}, dispatch.Counts{Delivered: 1}},
		{"done at the third attempt", []reply{retries, retries},
			dispatch.Settled{Done: true, Attempts: 3, Age: time.Minute + 2*time.Second}, dispatch.Counts{Delivered: 1,
				Retried: 2}},
		{"done after a crash", []reply{crashes("gone")},
			dispatch.Settled{Done: true, Attempts: 2, Age: time.Minute}, dispatch.Counts{Delivered: 1, Downs: 1}},
		{"rejected", []reply{rejects}, dispatch.Settled{Attempts: 1, Age: time.Minute}, dispatch.Counts{Dead: 1,
			Rejected: 1}},
		{"exhausted", []reply{retries, retries, retries, retries},
			dispatch.Settled{Attempts: 4, Age: time.Minute + 3*time.Second}, dispatch.Counts{Dead: 1, Exhausted: 1,
				Retried: 3}},
		{"poison", []reply{crashes("gone"), crashes("gone"), crashes("gone")},
			dispatch.Settled{Attempts: 3, Age: time.Minute + 500*time.Millisecond}, dispatch.Counts{Dead: 1,
				Poisoned: 1, Downs: 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, r *rig) {
				l := new(listener)
				r.cfg.Observer = l
				r.h.on("a:1", tc.replies...)
				r.addAged(time.Minute, "a:1", "other:1")
				r.start()
				r.after(10 * time.Second)
				got := slices.Clone(l.all)
				if tc.counts.Poisoned > 0 && len(got) == 1 {
					got[0].Age = tc.want.Age // a random pause comes between crashes
				}
				if diff := cmp.Diff([]dispatch.Settled{tc.want}, got); diff != "" {
					t.Error(diff)
				}
				want := tc.counts
				want.Skipped = 1
				if diff := cmp.Diff(want, r.d.Stats().Counts); diff != "" {
					t.Error(diff)
				}
				r.stop()
			})
		})
	}
}

// A lane whose event failed is parked until its next attempt.
func TestParkedLanes(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.h.on("a:1", reply{Result: dispatch.Result{Status: dispatch.Retry}})
		r.add("a:1", "b:1")
		r.start()
		r.after(time.Second / 2)
		if s := r.d.Stats(); s.WaitingLanes != 1 || s.ParkedLanes != 1 {
			t.Errorf("%+v", s)
		}
		r.after(time.Second)
		if s := r.d.Stats(); s.WaitingLanes != 0 || s.ParkedLanes != 0 {
			t.Errorf("%+v", s)
		}
		r.stop()
	})
}

// A sum has each field.
func TestCountsAdd(t *testing.T) {
	var one dispatch.Counts
	fields := reflect.ValueOf(&one).Elem()
	for i := range fields.NumField() {
		fields.Field(i).SetUint(uint64(i + 1))
	}
	sum := reflect.ValueOf(one.Add(one))
	for i := range sum.NumField() {
		if got := sum.Field(i).Uint(); got != 2*uint64(i+1) {
			t.Errorf("%s: %d, want %d", sum.Type().Field(i).Name, got, 2*(i+1))
		}
	}
}

// addAged adds events that were received so long ago.
func (r *rig) addAged(age time.Duration, ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		e := &buffer.Event{ID: id, VehicleID: id, Type: "VEHICLE_STATE", Body: []byte("{}"),
			ReceivedAt: time.Now().Add(-age)}
		if id == "other:1" {
			e.Type = "OTHER"
		}
		if _, err := r.store.Append(context.Background(), e); err != nil && !errors.Is(err, buffer.ErrClosed) {
			r.t.Fatalf("append: %v", err)
		}
	}
}
