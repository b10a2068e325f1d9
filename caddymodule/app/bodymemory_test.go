package app

import (
	"log/slog"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
)

type deaf struct{}

func (deaf) GiveUp() {}

// The body_memory of the config that is in force counts, for what begins from then on.
func TestBodyMemoryIsThatOfTheNewestConfig(t *testing.T) {
	s := newSharedEngine(slog.DiscardHandler, "", nil)
	fits := func(size int64) bool {
		var a arrivals.Arrival
		defer a.End()
		return a.Begin(s.Bodies(), deaf{}, 0, size) && a.Grow(size)
	}
	for _, limit := range []int64{1 << 20, 64 << 20, 2 << 20} {
		s.enter(startedConfig{owner: limit, log: slog.DiscardHandler, bodyMemory: limit})
		if !fits(limit/2) || fits(limit/2+1) {
			t.Errorf("body_memory %d: half of it fits: %v, more: %v", limit, fits(limit/2), fits(limit/2+1))
		}
	}
}

// What a receiver's max_size allows must fit at all.
func TestCheckBody(t *testing.T) {
	a := &App{BodyMemory: 1 << 20}
	for size, ok := range map[int64]bool{1 << 10: true, 256 << 10: true, 512 << 10: true, 512<<10 + 1: false, 16 << 20: false} {
		if err := a.CheckBody(size); (err == nil) != ok {
			t.Errorf("max_size %d: %v", size, err)
		}
	}
}
