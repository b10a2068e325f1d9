package dispatch

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
)

// BenchmarkAttemptLog is what a call of one event pays for its stages.
func BenchmarkAttemptLog(b *testing.B) {
	done := answer{results: []Result{{Status: Done}}}
	batch := []Delivery{{Event: &buffer.Event{ID: "e-1", Type: "VEHICLE_STATE", DeliveryID: "d-1"}, Attempt: 1}}
	for name, set := range map[string]stage.Set{
		"off": stage.Default,
		"on":  stage.Of(stage.ProcessingStarted, stage.ProcessingCompleted, stage.ProcessingFailed),
	} {
		b.Run(name, func(b *testing.B) {
			//nolint:sloglint // A line is put together and thrown away, which slog.DiscardHandler does not do.
			log := attemptLog{slog.New(slog.NewJSONHandler(io.Discard, nil)), new(stage.Switch)}
			log.stages.Set(set)
			b.ReportAllocs()
			for b.Loop() {
				log.started(batch)
				log.ended(batch, &done, false, time.Millisecond)
			}
		})
	}
}
