package pluginhost

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// course is the whole way of an event with nothing left out: a buffer on disk, a
// dispatcher and a plugin's processes.
type course struct {
	t        *testing.T
	store    *disk.Buffer
	consumer buffer.Consumer
	plugin   *Plugin
	seen     *witness
	d        *dispatch.Dispatcher
	look     *lookout
}

// witness notes what goes to the plugin and what comes back.
type witness struct {
	*Plugin

	mu   sync.Mutex
	sent []string // "id#attempt"
	done map[string]int
}

// Handle is the plugin's, watched.
func (w *witness) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	w.mu.Lock()
	for _, d := range batch {
		w.sent = append(w.sent, fmt.Sprintf("%s#%d", d.Event.ID, d.Attempt))
	}
	w.mu.Unlock()
	results, err := w.Plugin.Handle(ctx, batch)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range results {
		if r.Status == dispatch.Done {
			w.done[batch[i].Event.ID]++
		}
	}
	return results, err
}

// sentOf returns the deliveries of one event, in order.
func (w *witness) sentOf(id string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.sent), func(s string) bool { return !strings.HasPrefix(s, id+"#") })
}

func (w *witness) isDone(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[id] > 0
}

// plan says how a course is laid.
type plan struct {
	// role of the test binary, which must connect to the socket that it is given as
	// tattle, and its quirks.
	role   string
	quirks []string
	config func(*dispatch.Config)
	timing func(*timing)
}

// lay stores the events, each an id as "vehicle:number" and a body, and then lets
// them go to the plugin.
func lay(t *testing.T, p plan, events ...[2]string) *course {
	t.Helper()
	c := &course{t: t, look: newLookout(t)}
	var err error
	if c.store, err = disk.Open(testContext(t), disk.Options{Path: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.store.Close() })
	if c.consumer, err = c.store.Consumer(testContext(t), "h1"); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		vehicle, _, _ := strings.Cut(e[0], ":")
		if _, err := c.store.Append(testContext(t), &buffer.Event{
			ID: e[0], Source: "test", VehicleID: vehicle, Type: "VEHICLE_STATE", Body: []byte(e[1])}); err != nil {
			t.Fatal(err)
		}
	}
	c.plugin = newPlugin(t, roleSpec(t, nil, p.role, append(p.quirks, "tattle="+c.look.path)...))
	if p.timing != nil {
		p.timing(&c.plugin.t)
	}
	mustStart(t, c.plugin)
	c.plugin.Supervise()
	c.seen = &witness{Plugin: c.plugin, done: map[string]int{}}
	cfg := dispatch.Config{
		Name: "h1", Order: dispatch.OrderVehicle, Concurrency: 4, Timeout: patience,
		Retry:   dispatch.RetryPolicy{MaxAttempts: 2, MinDelay: 10 * time.Millisecond, MaxDelay: 20 * time.Millisecond},
		Breaker: dispatch.BreakerPolicy{Failures: 1000, Cooldown: time.Minute},
		Batch:   dispatch.BatchPolicy{MaxEvents: 1},
	}
	if p.config != nil {
		p.config(&cfg)
	}
	c.d = dispatch.Start(cfg, c.consumer, c.seen)
	return c
}

// until waits for a condition that nothing announces.
func (c *course) until(what string, holds func() bool) {
	c.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			c.t.Fatalf("never came about: %s\ndispatch: %+v\nsent: %v", what, c.d.Stats(), c.seen.sent)
		}
	}
}

// settled waits until nothing is open any more.
func (c *course) settled() {
	c.t.Helper()
	c.until("all events are settled", func() bool {
		s := c.consumer.Stats()
		return s.Pending == 0 && s.Leased == 0 && s.Deferred == 0
	})
}

// end stops everything, as the host does, and sees that no process is left.
func (c *course) end() {
	c.t.Helper()
	if err := c.plugin.Ready(testContext(c.t)); err != nil {
		c.t.Errorf("the plugin does not come back: %v", err)
	}
	if err := c.d.Stop(testContext(c.t)); err != nil {
		c.t.Errorf("stopping the dispatcher: %v", err)
	}
	processes := 1 + c.plugin.State().Restarts
	_ = c.plugin.Stop(testContext(c.t))
	for range processes {
		awaitEnd(c.t, c.look.seen(c.t))
	}
	if err := c.consumer.Close(); err != nil {
		c.t.Errorf("closing the consumer: %v", err)
	}
}

// dead returns the dead letters by their events' ids.
func (c *course) dead() map[string]buffer.DeadLetter {
	c.t.Helper()
	letters := map[string]buffer.DeadLetter{}
	for d, err := range c.store.DeadLetters(testContext(c.t), "") {
		if err != nil {
			c.t.Fatal(err)
		}
		letters[d.Event.ID] = d
	}
	return letters
}
