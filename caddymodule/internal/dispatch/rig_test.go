package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// onEachStore runs a test in virtual time over every buffer.
func onEachStore(t *testing.T, test func(t *testing.T, r *rig)) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := open(t)
				defer store.Close()
				test(t, &rig{t: t, store: store, h: newScript(), begun: time.Now(), cfg: rigConfig()})
			})
		})
	}
}

// rigConfig delivers single events, with the shortest wait between attempts.
func rigConfig() dispatch.Config {
	return dispatch.Config{
		Name:        "rig",
		Order:       dispatch.OrderVehicle,
		Concurrency: 16,
		Timeout:     10 * time.Second,
		Retry:       dispatch.RetryPolicy{MaxAttempts: 4, MinDelay: time.Second, MaxDelay: 10 * time.Second},
		Breaker:     dispatch.BreakerPolicy{Failures: 5, Cooldown: time.Minute},
		Batch:       dispatch.BatchPolicy{MaxEvents: 1},
		Rand:        func() float64 { return 0 }, // always MinDelay
	}
}

// rig is a store, a dispatcher and a handler that does what a script says.
type rig struct {
	t        *testing.T
	cfg      dispatch.Config
	store    buffer.Buffer
	wrap     func(buffer.Consumer) buffer.Consumer
	consumer buffer.Consumer
	d        *dispatch.Dispatcher
	h        *script
	begun    time.Time
}

// add appends events named "lane:number", so that a test reads like its story.
func (r *rig) add(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		lane, _, _ := strings.Cut(id, ":")
		e := &buffer.Event{ID: id, VehicleID: lane, Type: "VEHICLE_STATE", UserID: "secret-user", Body: []byte(`{"vin":"secret-vin"}`)}
		if strings.HasPrefix(id, "other") {
			e.Type = "OTHER"
		}
		if _, err := r.store.Append(context.Background(), e); err != nil {
			r.t.Fatalf("append: %v", err)
		}
	}
}

func (r *rig) start() {
	r.t.Helper()
	r.startWith(r.h)
}

func (r *rig) startWith(h dispatch.Handler) {
	r.t.Helper()
	c, err := r.store.Consumer(context.Background(), "rig")
	if err != nil {
		r.t.Fatalf("opening the consumer: %v", err)
	}
	r.consumer = c
	if r.wrap != nil {
		r.consumer = r.wrap(c)
	}
	r.d = dispatch.Start(r.cfg, r.consumer, h)
}

func (r *rig) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.d.Stop(ctx); err != nil {
		r.t.Errorf("stop: %v", err)
	}
	if err := r.consumer.Close(); err != nil {
		r.t.Errorf("closing the consumer: %v", err)
	}
}

// after lets virtual time pass and everything come to rest.
func (r *rig) after(d time.Duration) {
	pass(d)
	synctest.Wait()
}

// wantDeliveries compares what the handler has got since the last look, as
// "lane:number#attempt".
func (r *rig) wantDeliveries(want ...string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.h.take(); !slices.Equal(got, want) {
		r.t.Errorf("after %s: deliveries %q, want %q", time.Since(r.begun), got, want)
	}
}

func (r *rig) wantDead(want ...string) {
	r.t.Helper()
	var got []string
	for d, err := range r.store.DeadLetters(context.Background(), "") {
		if err != nil {
			r.t.Fatalf("dead letters: %v", err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %d: %s … %s",
			d.Event.ID, d.Reason, d.HandlerReason, d.Retry.Attempts, d.Retry.FirstError, d.Retry.LastError))
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("dead letters %q, want %q", got, want)
	}
}

// reply is one answer of a script.
type reply struct {
	dispatch.Result
	err  error
	hang bool // until the call's time is over
	wait chan struct{}
}

// script is a handler with prepared replies; where none is left, it is done.
type script struct {
	mu       sync.Mutex
	replies  map[string][]reply
	got      []string
	order    []string // of all deliveries
	batches  []int
	sizes    map[string][]int // of the batches that an event came in
	last     map[string]dispatch.Delivery
	slow     func(id string) time.Duration // how long a call with this event takes
	together int                           // events in calls under way
	up       chan struct{}
	most     int
}

func newScript() *script {
	s := &script{replies: map[string][]reply{}, last: map[string]dispatch.Delivery{}, sizes: map[string][]int{}, up: make(chan struct{}), most: 100}
	close(s.up)
	return s
}

// on prepares the next replies to an event.
func (s *script) on(id string, replies ...reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[id] = append(s.replies[id], replies...)
}

// down makes Ready block until the returned function is called.
func (s *script) down() (up func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := make(chan struct{})
	s.up = c
	return func() { close(c) }
}

func (s *script) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	slices.Sort(got)
	return got
}

// sequence is the order of all deliveries so far.
func (s *script) sequence() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// begin forgets it, but for these.
func (s *script) begin(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = ids
}

// latest is an event's last delivery.
func (s *script) latest(id string) (dispatch.Delivery, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.last[id]
	return d, ok
}

func (s *script) MaxBatch() int               { return s.most }
func (s *script) Wants(eventType string) bool { return eventType != "OTHER" }

func (s *script) Ready(ctx context.Context) error {
	s.mu.Lock()
	up := s.up
	s.mu.Unlock()
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *script) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	results := make([]dispatch.Result, len(batch))
	var last reply
	var takes time.Duration
	s.mu.Lock()
	s.batches = append(s.batches, len(batch))
	for i, d := range batch {
		s.last[d.Event.ID] = d
		if s.slow != nil {
			takes = max(takes, s.slow(d.Event.ID))
		}
		s.got = append(s.got, fmt.Sprintf("%s#%d", d.Event.ID, d.Attempt))
		s.order = append(s.order, d.Event.ID)
		s.sizes[d.Event.ID] = append(s.sizes[d.Event.ID], len(batch))
		reply := reply{Result: dispatch.Result{Status: dispatch.Done}}
		if prepared := s.replies[d.Event.ID]; len(prepared) > 0 {
			reply, s.replies[d.Event.ID] = prepared[0], prepared[1:]
		}
		results[i] = reply.Result
		if reply.err != nil || reply.hang || reply.wait != nil {
			last = reply
		}
	}
	s.together += len(batch)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.together -= len(batch)
	}()
	if takes > 0 {
		pass(takes)
	}
	switch {
	case last.hang:
		<-ctx.Done()
		return nil, ctx.Err()
	case last.wait != nil:
		select {
		case <-last.wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if last.err != nil {
		return nil, last.err
	}
	return results, nil
}

func retry(text string) reply {
	return reply{Result: dispatch.Result{Status: dispatch.Retry, Error: text}}
}

func retryAfter(d time.Duration) reply {
	return reply{Result: dispatch.Result{Status: dispatch.Retry, After: d, Error: "later"}}
}

// crashes is the end of the process under the call.
func crashes(detail string) reply { return reply{err: &dispatch.CrashError{Detail: detail}} }

func unavailable(after time.Duration) reply {
	return reply{Result: dispatch.Result{Status: dispatch.Unavailable, After: after, Error: "database is down"}}
}
