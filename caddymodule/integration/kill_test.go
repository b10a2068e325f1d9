package integration

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// killRounds is how often Caddy is killed: SMARTCAR_KILL_ROUNDS, or enough to
// mean something in a minute.
func killRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SMARTCAR_KILL_ROUNDS")
	if text == "" {
		return 30
	}
	rounds, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SMARTCAR_KILL_ROUNDS: %v", err)
	}
	return rounds
}

// Every event that got a 200 reaches the handler, whatever is killed and when.
func TestKillLosesNothing(t *testing.T) {
	s := newSite(t)
	f := newFleet(s, 16)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	// Each round ends when so many more events were acknowledged.
	var target atomic.Int64
	reached := make(chan struct{}, 1)
	f.onAck = func(total int) {
		if int64(total) >= target.Load() {
			select {
			case reached <- struct{}{}:
			default:
			}
		}
	}
	target.Store(1 << 62)
	sent := make(chan struct{})
	go func() {
		f.run(ctx)
		close(sent)
	}()

	rounds := killRounds(t)
	for round := range rounds {
		p := s.start(t)
		target.Store(int64(f.total() + 20 + rand.IntN(400)))
		select {
		case <-reached:
		case <-time.After(30 * time.Second):
			t.Fatalf("round %d: no progress\n%s", round, s.log())
		}
		children := p.children(t)
		p.kill(t)
		target.Store(1 << 62)
		select {
		case <-reached: // an answer that was on its way
		default:
		}
		waitFor(t, "the handler's process ends with its host", 10*time.Second, func() bool {
			for _, pid := range children {
				if alive(pid) {
					return false
				}
			}
			return true
		})
	}
	p := s.start(t)
	cancel()
	<-sent
	v := f.awaitAll(t, s)
	t.Logf("%d kills: %v; answers other than 200: %v", rounds, v, f.refused)
	if v.lost > 0 || v.disordered > 0 {
		t.Errorf("lost %d, out of order %d\n%s", v.lost, v.disordered, s.log())
	}
	if len(f.refused) > 0 {
		t.Errorf("answers other than 200: %v", f.refused)
	}

	// A stop in good order repeats nothing.
	p.terminate(t)
	before := len(s.received(t))
	s.start(t)
	f2 := newFleet(s, 1)
	f2.sendOne(t.Context(), f2.vehicles[0])
	f2.awaitAll(t, s)
	if after := len(s.received(t)); after != before+1 {
		t.Errorf("after a stop in good order %d events were repeated", after-before-1)
	}
}

// A handler's process that is killed is started again, and nothing is lost.
func TestKilledPluginLosesNothing(t *testing.T) {
	s := newSite(t)
	p := s.start(t)
	f := newFleet(s, 8)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		f.run(ctx)
		close(sent)
	}()

	for round := range 5 {
		var pid int
		waitFor(t, "a plugin process runs", 15*time.Second, func() bool {
			for _, child := range p.children(t) {
				if alive(child) {
					pid = child
					return true
				}
			}
			return false
		})
		goal := f.total() + 50
		waitFor(t, "some more events", 15*time.Second, func() bool { return f.total() >= goal })
		process, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Kill(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		waitFor(t, "the plugin is gone", 10*time.Second, func() bool { return !alive(pid) })
	}
	cancel()
	<-sent
	v := f.awaitAll(t, s)
	t.Logf("5 kills of the plugin: %v", v)
	if len(f.broken) > 0 {
		t.Errorf("%d requests had no answer, the first: %v", len(f.broken), f.broken[0])
	}
	if v.lost > 0 || v.disordered > 0 || len(f.refused) > 0 {
		t.Errorf("lost %d, out of order %d, answers other than 200: %v\n%s", v.lost, v.disordered, f.refused, s.log())
	}
}
