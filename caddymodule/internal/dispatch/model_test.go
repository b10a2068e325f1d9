package dispatch_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
)

var (
	seeds     = flag.Int("seeds", 0, "how many random histories TestModel plays on each store; 0: 100 in memory and 30 on disk")
	firstSeed = flag.Int("first", 0, "the first of them")
)

// TestModel plays random histories of appends, answers, crashes of the plugin, poison
// events, faults of the store, kills, restarts, reloads, pauses, replays and trims, and
// holds each against the model after every step. The disk buffer runs on a file system
// that loses, at a kill, what was not synced, and more. -seeds 5000 plays more.
func TestModel(t *testing.T) {
	for _, store := range []string{"memory", "disk"} {
		t.Run(store, func(t *testing.T) {
			n := *seeds
			switch {
			case n > 0:
			case testing.Short():
				n = 10
			case store == "memory":
				n = 100
			default:
				n = 30
			}
			for seed := *firstSeed; seed < *firstSeed+n; seed++ {
				t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
					defer func() {
						if t.Failed() {
							t.Logf("alone: go test ./caddymodule/internal/dispatch -run 'TestModel/%s/seed=%d$' -first %d -seeds 1", store, seed, seed)
						}
					}()
					synctest.Test(t, func(t *testing.T) { playHistory(t, store, seed) })
				})
			}
		})
	}
}

// playHistory plays one history to its end: every event settled.
func playHistory(t *testing.T, store string, seed int) {
	rnd := rand.New(rand.NewPCG(uint64(seed), 1))
	m := newModel(t, rnd, newWorld(t, store, rnd))
	m.faults = rnd.IntN(3) == 0
	m.reconfigure()
	m.start()
	lanes, total := 1+rnd.IntN(8), 20+rnd.IntN(300)
	for range total {
		m.append(rnd.IntN(lanes))
		m.step(lanes)
		m.check()
		if t.Failed() {
			break
		}
	}
	// Trouble ends, so that the history does. Without a restart from here on: one would
	// hide an event that was forgotten on disk.
	m.calm()
	for range 3000 {
		if m.open() == 0 || t.Failed() {
			break
		}
		pass(time.Minute)
		m.check()
	}
	m.finish()
	pass(time.Minute) // for look-ups that Stop did not wait for
}

// step does one random thing.
func (m *model) step(lanes int) {
	switch rnd := m.rnd; rnd.IntN(80) {
	case 0, 1, 2:
		pass(time.Duration(rnd.IntN(20)) * time.Second)
	case 3, 4, 5, 6, 7, 8, 9:
		pass(time.Duration(rnd.IntN(100)) * time.Millisecond)
	case 10, 11:
		m.crash(rnd)
	case 12:
		m.world.arm(rnd.IntN(60))
	case 13:
		m.restart(false)
	case 14:
		m.restart(true)
	case 15:
		m.setPaused(true)
	case 16, 17:
		m.setPaused(false)
	case 18:
		m.drain()
	case 19, 20, 21:
		m.replay()
	case 22:
		lane := rnd.IntN(lanes)
		for range rnd.IntN(400) {
			m.append(lane)
		}
	case 23:
		pass(time.Duration(rnd.IntN(10)) * time.Minute) // retention ends for some
	}
	if m.world.struck() {
		m.restart(m.rnd.IntN(4) == 0)
	}
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

// reconfigure makes another definition of the handler.
func (m *model) reconfigure() {
	rnd := m.rnd
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cfg = dispatch.Config{
		Name:        "model",
		Order:       dispatch.OrderVehicle,
		Concurrency: 1 + rnd.IntN(8),
		Timeout:     10 * time.Second,
		Retry: dispatch.RetryPolicy{
			MaxAttempts: 2 + rnd.IntN(5), MinDelay: time.Second, MaxDelay: time.Duration(1+rnd.IntN(60)) * time.Second,
		},
		Breaker: dispatch.BreakerPolicy{Failures: 1 + rnd.IntN(8), Cooldown: time.Duration(1+rnd.IntN(60)) * time.Second},
		Batch:   dispatch.BatchPolicy{MaxEvents: 1 + rnd.IntN(5), MaxWait: time.Duration(rnd.IntN(3)) * 20 * time.Millisecond},
		When:    func(e *buffer.Event) bool { return e.Mode != "TEST" },
		Stale:   []freshness.Mode{"", freshness.Deliver, freshness.Mark, freshness.Drop}[rnd.IntN(4)],
		Log:     slog.New(slog.DiscardHandler),
		Rand:    rand.New(rand.NewPCG(rnd.Uint64(), 2)).Float64,
	}
	switch rnd.IntN(4) {
	case 0:
		m.cfg.ParkAfter.Attempts = 1 + rnd.IntN(5)
	case 1:
		m.cfg.ParkAfter.Age = time.Duration(1+rnd.IntN(100)) * time.Second
	}
	if rnd.IntN(5) == 0 {
		m.cfg.Order = dispatch.OrderNone
	}
	if rnd.IntN(3) == 0 {
		m.cfg.MaxBytes = 1 + rnd.IntN(1<<(5+rnd.IntN(12))) // of one body to all
	}
}

// restart ends the dispatcher in one of three ways and starts another, of another
// definition if asked. If the power was cut, it starts with what that has left.
func (m *model) restart(change bool) {
	patience := time.Duration(m.rnd.IntN(3)) * 6 * time.Second
	if m.world.struck() || m.rnd.IntN(3) == 0 {
		m.consumer.Close() // as if the process were killed: nothing more gets durable
		patience = 0
	}
	m.stop(patience)
	promised := m.promised()
	if m.world.disarm() {
		promised = m.world.recover(m.t)
	}
	if change {
		m.reconfigure()
	}
	m.resync(promised)
	m.start()
}

func (m *model) stop(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = m.d.Stop(ctx)
	m.consumer.Close()
	for m.consumer.count(0) > 0 {
		pass(time.Millisecond) // it may still get through
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life++
	m.flying, m.inCalls, m.unread = map[string]string{}, 0, false
}

func (m *model) start() {
	c, err := m.world.store.Consumer(context.Background(), "model")
	if err != nil {
		m.t.Fatalf("opening consumer: %v", err)
	}
	m.consumer = &spy{Consumer: c, m: m, life: m.life, store: m.world.store, rnd: rand.New(rand.NewPCG(m.rnd.Uint64(), 3))}
	m.mu.Lock()
	cfg := m.cfg
	cfg.Paused = m.paused
	m.resumed = time.Time{} // a resume is not stored
	m.begun = time.Now()
	m.mu.Unlock()
	m.d = dispatch.Start(cfg, m.consumer, &modelHandler{m: m, life: m.life})
}

// crash ends the plugin's process, by itself or by its host, for a while.
func (m *model) crash(rnd *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.processEnds(rnd.IntN(3) > 0, rnd)
}

func (m *model) setPaused(paused bool) {
	if !paused {
		m.mu.Lock()
		m.paused, m.resumed = false, time.Now()
		for _, f := range m.order {
			if f.lastAt.Before(m.resumed) {
				f.notBefore = time.Time{}
			}
		}
		m.mu.Unlock()
		m.d.Resume()
		return
	}
	m.d.Pause()
	synctest.Wait() // a call that began just before may still be on its way
	m.mu.Lock()
	m.paused = true
	m.mu.Unlock()
}

func (m *model) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(m.rnd.IntN(15000))*time.Millisecond)
	defer cancel()
	err := m.d.Drain(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paused = true
	if err == nil && m.inCalls > 0 {
		m.t.Errorf("drained with %d calls under way", m.inCalls)
	}
}
