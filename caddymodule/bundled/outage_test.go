package bundled_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/postgrestest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// backend is a real server behind a plugin, which is down at first.
type backend struct {
	config sdktest.Config // of the plugin
	why    string         // what the plugin says of it while it is down
	up     func(t *testing.T)
	got    func(t *testing.T) map[string]int // how often each event is there, by its id
}

// A server that is down for an hour costs no event an attempt and makes no dead letter; when it is up, each event gets to
// it once. The hour is the dispatcher's, in virtual time; plugin and server are real, and are tried as often as in an hour.
func TestOutageOfAnHour(t *testing.T) {
	for name, killed := range map[string]func(t *testing.T) backend{"http": application, "notify": pager, "postgres": database} {
		t.Run(name, func(t *testing.T) {
			b := killed(t)
			p, _ := bundled.Plugin(name)
			o := newOutside(t, sdktest.Start(t, p, b.config), func() { b.up(t) })
			sent := overAnHour(t, o, b.why)
			got := b.got(t)
			if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(slices.Values(sent))) {
				t.Errorf("%d events arrived of %d", len(got), len(sent))
			}
			for id, n := range got {
				if n != 1 {
					t.Errorf("%s arrived %d times", id, n)
				}
			}
		})
	}
}

// overAnHour delivers events to a plugin whose server is down for an hour, and returns their ids.
func overAnHour(t *testing.T, o *outside, why string) (sent []string) {
	synctest.Test(t, func(t *testing.T) {
		// The store pools objects with channels, and a channel must not wander from one bubble to the next, so the tests run
		// one after the other. Two collections empty every pool.
		runtime.GC()
		runtime.GC()
		ctx := context.Background()
		store, err := disk.Open(ctx, disk.Options{Path: "/smartcar", FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		consumer, err := store.Consumer(ctx, "h")
		if err != nil {
			t.Fatal(err)
		}
		d := dispatch.Start(dispatch.Config{
			Order: dispatch.OrderVehicle, Concurrency: 1, Timeout: 30 * time.Second, Batch: dispatch.BatchPolicy{MaxEvents: 20},
			// An attempt that counted would make a dead letter.
			Retry:   dispatch.RetryPolicy{MaxAttempts: 1, MinDelay: time.Second, MaxDelay: time.Minute},
			Breaker: dispatch.BreakerPolicy{Failures: 5, Cooldown: time.Minute},
		}, consumer, o)
		for n := range 12 {
			for v := range 5 {
				e := failure(fmt.Sprintf("event-%d-%d", n, v), fmt.Sprintf("vehicle-%d-%d", n, v))
				if _, err := store.Append(ctx, e); err != nil {
					t.Fatal(err)
				}
				sent = append(sent, e.ID)
			}
			time.Sleep(5 * time.Minute)
		}
		synctest.Wait()
		s := d.Stats()
		if s.Breaker.State != dispatch.BreakerOpen || !strings.Contains(s.Breaker.Reported, why) {
			t.Errorf("after an hour the breaker is %s, for %q; want %q", s.Breaker.State, s.Breaker.Reported, why)
		}
		if tries := o.tries.Load(); tries < 55 || tries > 65 || s.Delivered+s.Retried+s.Dead > 0 {
			t.Errorf("%d tries in an hour of a cooldown of a minute; %+v", tries, s.Counts)
		}
		o.restore()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if s := d.Stats(); int(s.Delivered) != len(sent) || s.Retried+s.Dead > 0 || o.attempt.Load() != 1 {
			t.Errorf("after the outage: %+v, attempts up to %d", s.Counts, o.attempt.Load())
		}
		for letter, err := range store.DeadLetters(ctx, "") {
			t.Errorf("a dead letter: %+v, %v", letter, err)
		}
		if err := d.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := consumer.Close(); err != nil {
			t.Error(err)
		}
	})
	return sent
}

// failure is a VEHICLE_ERROR, with which each of the plugins has something to do.
func failure(id, vehicle string) *buffer.Event {
	body := smartcar.Sample{EventID: id, VehicleID: vehicle, Mode: "LIVE"}.VehicleError()
	return &buffer.Event{
		ID: id, Type: "VEHICLE_ERROR", Mode: "LIVE", VehicleID: vehicle, Source: "default", Body: body, ReceivedAt: time.Now(),
		ContentType: "application/json", Signature: smartcar.Sign(sdktest.Token, body),
	}
}

// outside is a handler whose plugin is outside of the bubble of virtual time. While it is called, time stands still. It
// takes one call at a time.
type outside struct {
	calls   chan []*sdk.Event
	answers chan []sdk.Result
	// tries count the calls, attempt is the largest that an event had.
	tries, attempt atomic.Int64
}

// newOutside runs what is outside until the test ends. A call without events is the one that ends the outage.
func newOutside(t *testing.T, host *sdktest.Host, up func()) *outside {
	o := &outside{calls: make(chan []*sdk.Event), answers: make(chan []sdk.Result)}
	var done sync.WaitGroup
	done.Go(func() {
		for events := range o.calls {
			if len(events) == 0 {
				up()
				o.answers <- nil
				continue
			}
			o.answers <- host.Handle(context.Background(), events...)
		}
	})
	t.Cleanup(func() {
		close(o.calls)
		done.Wait()
	})
	return o
}

func (o *outside) restore() {
	o.calls <- nil
	<-o.answers
}

func (o *outside) Ready(context.Context) error { return nil }
func (o *outside) MaxBatch() int               { return 20 }
func (o *outside) Wants(string) bool           { return true }

func (o *outside) Handle(_ context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	o.tries.Add(1)
	events := make([]*sdk.Event, len(batch))
	for i, d := range batch {
		o.attempt.Store(max(o.attempt.Load(), int64(d.Attempt))) // calls come one at a time
		e := d.Event
		events[i] = &sdk.Event{
			ID: e.ID, Type: e.Type, Mode: e.Mode, VehicleID: e.VehicleID, Source: e.Source, Payload: e.Body, Attempt: d.Attempt,
			ReceivedAt: e.ReceivedAt, Position: e.Position, ContentType: e.ContentType, Signature: e.Signature,
		}
	}
	o.calls <- events
	var results []dispatch.Result
	for _, r := range <-o.answers {
		status := map[sdk.Status]dispatch.Status{
			sdk.StatusDone: dispatch.Done, sdk.StatusRetry: dispatch.Retry,
			sdk.StatusReject: dispatch.Reject, sdk.StatusUnavailable: dispatch.Unavailable,
		}[r.Status]
		results = append(results, dispatch.Result{Status: status, After: r.RetryAfter, Reason: r.Reason, Error: r.Error})
	}
	return results, nil
}

// application takes Smartcar's webhooks.
func application(t *testing.T) backend {
	w := newWeb(t, func(body []byte) string {
		e, _ := smartcar.ParseEnvelope(body)
		return e.EventID
	})
	return backend{config: sdktest.Config{"url": w.url()}, why: "refused", up: w.up, got: w.counts}
}

// pager takes the messages of notify.
func pager(t *testing.T) backend {
	w := newWeb(t, func(body []byte) string {
		var m struct {
			ID string `json:"event_id"`
		}
		_ = json.Unmarshal(body, &m)
		return m.ID
	})
	return backend{why: "refused", up: w.up, got: w.counts, config: sdktest.Config{
		"state": filepath.Join(t.TempDir(), "notify.db"), "webhook": []sdktest.Config{{"url": w.url()}},
		"rate": sdktest.Config{"max": 10000, "per": "24h"}, // no digests
	}}
}

// web is a web server that counts requests by the id in them. Before up, connections to it are refused.
type web struct {
	address string
	id      func(body []byte) string

	mu       sync.Mutex
	requests map[string]int
}

func newWeb(t *testing.T, id func(body []byte) string) *web {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return &web{address: l.Addr().String(), id: id, requests: map[string]int{}}
}

func (w *web) url() string { return "http://" + w.address + "/" }

func (w *web) up(t *testing.T) {
	l, err := net.Listen("tcp", w.address)
	if err != nil {
		t.Error(err)
		return
	}
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	t.Cleanup(func() { server.Close() })
	go func() { _ = server.Serve(l) }()
}

func (w *web) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests[w.id(body)]++
}

func (w *web) counts(*testing.T) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.requests)
}

// database is a PostgreSQL that is killed.
func database(t *testing.T) backend {
	server := postgrestest.Start(t, postgrestest.Quick...)
	dsn := server.Database(t)
	server.Kill()
	return backend{
		config: sdktest.Config{"url": dsn, "migrate": true, "errors": true}, why: "cannot be reached",
		up: func(t *testing.T) {
			if err := server.Up(); err != nil {
				t.Error(err)
			}
		},
		got: func(t *testing.T) map[string]int {
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
			rows, err := conn.Query(t.Context(), "select event_id from smartcar.errors") // one for each event
			if err != nil {
				t.Fatal(err)
			}
			ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			times := map[string]int{}
			for _, id := range ids {
				times[id]++
			}
			return times
		},
	}
}
