package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/postgrestest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// BenchmarkStore writes batches of 50 events over 5,000 vehicles, one batch at a time, to a server that syncs each
// commit to disk.
func BenchmarkStore(b *testing.B) {
	const size, vehicles = 50, 5_000
	for name, signals := range map[string]bool{"events": false, "events and signals": true} {
		b.Run(name, func(b *testing.B) {
			server := postgrestest.Start(b)
			host := sdktest.Start(b, Plugin(), sdktest.Config{"url": server.Database(b), "migrate": true, "signals": signals})
			begun, n, bytes := time.Now().Add(-24*time.Hour), 0, 0
			for b.Loop() {
				batch := make([]*sdk.Event, size)
				for i := range batch {
					at := begun.Add(time.Duration(n) * time.Millisecond)
					batch[i] = sdktest.Event(smartcar.Sample{EventID: fmt.Sprint("e", n), VehicleID: fmt.Sprint("v", n%vehicles), RecordedAt: at}.VehicleState())
					batch[i].ReceivedAt = at.Add(time.Second)
					bytes += len(batch[i].Payload)
					n++
				}
				for _, r := range host.Handle(b.Context(), batch...) {
					if r.Status != sdk.StatusDone {
						b.Fatal(r)
					}
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(bytes)/float64(n), "B/event")
		})
	}
}
