package replay

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a handler in this process that notes what it gets.
type recorder struct {
	reject atomic.Bool

	mu  sync.Mutex
	got []string
}

func (h *recorder) Ready(context.Context) error { return nil }
func (h *recorder) MaxBatch() int               { return 1 }
func (h *recorder) Wants(string) bool           { return true }

func (h *recorder) Handle(_ context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range batch {
		text := d.Event.ID
		if d.Replay {
			text += "*"
		}
		h.got = append(h.got, text)
	}
	if h.reject.Load() {
		return []dispatch.Result{{Status: dispatch.Reject}}, nil
	}
	return []dispatch.Result{{Status: dispatch.Done}}, nil
}

// take returns what the handler got since the last call.
func (h *recorder) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := strings.Join(h.got, " ")
	h.got = nil
	return got
}

// rig is one handler's jobs over a real disk buffer and dispatcher.
type rig struct {
	t        *testing.T
	b        *disk.Buffer
	consumer buffer.Consumer
	d        *dispatch.Dispatcher
	h        *recorder
	jobs     *Jobs
}

func newRig(t *testing.T, c dispatch.Config) *rig {
	t.Helper()
	return openRig(t, disk.Options{Path: t.TempDir()}, c)
}

func openRig(t *testing.T, options disk.Options, c dispatch.Config) *rig {
	t.Helper()
	b, err := disk.Open(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, b: b, h: new(recorder)}
	t.Cleanup(func() {
		r.stop()
		if err := b.Close(); err != nil {
			t.Errorf("closing the buffer: %v", err)
		}
	})
	r.start(c)
	return r
}

// start puts the handler to work, as the engine does.
func (r *rig) start(c dispatch.Config) {
	r.t.Helper()
	c.Name, c.Order, c.Concurrency, c.Timeout = "h", dispatch.OrderVehicle, 16, 10*time.Second
	c.Retry = dispatch.RetryPolicy{MaxAttempts: 12, MinDelay: time.Second, MaxDelay: 10 * time.Minute}
	c.Breaker = dispatch.BreakerPolicy{Failures: 5, Cooldown: time.Minute}
	c.Batch.MaxEvents = 1
	var err error
	if r.consumer, err = r.b.Consumer(context.Background(), "h"); err != nil {
		r.t.Fatal(err)
	}
	log := c.Log
	loaded, err := Load(context.Background(), r.consumer, slogOrNothing(log))
	if err != nil {
		r.t.Fatal(err)
	}
	r.d = dispatch.Start(c, r.consumer, r.h)
	r.jobs = Start(Config{Handler: "h", Source: r.b, Consumer: r.consumer, Feeder: r.d, Wanted: c.When, Log: log}, loaded)
}

func (r *rig) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r.jobs.Close()
	if err := r.d.Stop(ctx); err != nil {
		r.t.Errorf("stopping: %v", err)
	}
	r.jobs.Wait(ctx)
	if err := r.consumer.Close(); err != nil {
		r.t.Errorf("closing the consumer: %v", err)
	}
}

// append stores events named like "v:1", of vehicle v.
func (r *rig) append(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		lane, _, _ := strings.Cut(id, ":")
		if _, err := r.b.Append(context.Background(), &buffer.Event{Source: "s", ID: id, VehicleID: lane, Body: []byte("{}")}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// many appends n events of one vehicle.
func (r *rig) many(n int) {
	r.t.Helper()
	for i := range n {
		r.append(fmt.Sprintf("v:%d", i))
	}
	r.settled()
}

func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	deadline := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-time.After(2 * time.Millisecond):
		case <-deadline:
			r.t.Fatalf("never came: %s; jobs %+v, stats %+v", what, r.jobs.List(), r.d.Stats())
		}
	}
}

func (r *rig) settled() {
	r.t.Helper()
	r.eventually("everything is settled", func() bool {
		s := r.consumer.Stats()
		return s.Pending == 0 && s.Leased == 0 && s.Deferred == 0
	})
}

// add begins a job over everything.
func (r *rig) add(job Job) Job {
	r.t.Helper()
	if job.Kind == "" {
		job.Kind, job.Last = KindEvents, r.b.Stats().Last
	}
	if job.Rate == 0 {
		job.Rate = MaxRate
	}
	job, err := r.jobs.Add(job)
	if err != nil {
		r.t.Fatal(err)
	}
	return job
}

// ended waits until a job has ended, and the handler has what it fed.
func (r *rig) ended(id string) Job {
	r.t.Helper()
	var job Job
	r.eventually("the job has ended", func() bool {
		for _, job = range r.jobs.List() {
			if job.ID == id {
				return job.Ended()
			}
		}
		return false
	})
	r.settled()
	return job
}
