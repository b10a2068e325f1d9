package notify

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// benchHandler is a handler that knows an open error of each of so many vehicles, and whose target takes everything.
func benchHandler(b *testing.B, vehicles int, rate rateBlock) *handler {
	b.Helper()
	h, err := newHandler(config{
		State: filepath.Join(b.TempDir(), "notify.db"), Window: time.Hour, Resolved: resolvedTold, Keep: 720 * time.Hour, Rate: &rate,
	}, "people", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.close() })
	h.targets = []*target{newTarget("webhook", &place{}, "0")}
	for from := 0; from < vehicles; from += maxBatch {
		h.handle(context.Background(), benchBatch(0, from))
	}
	return h
}

func benchBatch(round, from int) []*sdk.Event {
	batch := make([]*sdk.Event, maxBatch)
	for i := range batch {
		v := fmt.Sprintf("car-%d", from+i)
		batch[i] = failed(fmt.Sprintf("e-%d-%s", round, v), v, round)
	}
	return batch
}

// Batches of 50 events of 5,000 vehicles.
func BenchmarkHandle(b *testing.B) {
	const vehicles = 5000
	cases := map[string]func(round, from int) []*sdk.Event{
		"suppressed": benchBatch,
		"digest": func(round, from int) []*sdk.Event {
			batch := benchBatch(round, from)
			for i, e := range batch {
				e.VehicleID = fmt.Sprintf("new-%d-%d", round, from+i)
			}
			return batch
		},
	}
	for name, batch := range cases {
		b.Run(name, func(b *testing.B) {
			h := benchHandler(b, vehicles, rateBlock{Max: 10, Per: 24 * time.Hour})
			events := 0
			for b.Loop() {
				b.StopTimer()
				next := batch(1+events/vehicles, events%vehicles)
				b.StartTimer()
				for _, err := range h.handle(b.Context(), next) {
					if err != nil {
						b.Fatal(err)
					}
				}
				events += maxBatch
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
