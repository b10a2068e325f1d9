package dispatch_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// noop is done with everything at once.
type noop struct {
	left atomic.Int64
	done chan struct{}
}

func (h *noop) Ready(context.Context) error { return nil }
func (h *noop) MaxBatch() int               { return 64 }
func (h *noop) Wants(string) bool           { return true }

func (h *noop) Handle(_ context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	results := make([]dispatch.Result, len(batch))
	for i := range results {
		results[i].Status = dispatch.Done
	}
	if h.left.Add(-int64(len(batch))) == 0 {
		close(h.done)
	}
	return results, nil
}

// BenchmarkBacklog delivers a backlog of 2 KB events of many vehicles, some, and one to a handler in
// the same process: what dispatch and the store cost.
func BenchmarkBacklog(b *testing.B) {
	for _, batch := range []int{1, 64} {
		for _, vehicles := range []int{1000, 100, 1} {
			for _, name := range []string{"memory", "disk"} {
				b.Run(fmt.Sprintf("%s/batch=%d/vehicles=%d", name, batch, vehicles), func(b *testing.B) {
					store := benchStore(b, name)
					defer store.Close()
					body := make([]byte, 2048)
					for i := range b.N {
						e := &buffer.Event{ID: fmt.Sprint(i), VehicleID: fmt.Sprint(i % vehicles), Type: "VEHICLE_STATE", Body: body}
						if _, err := store.Append(context.Background(), e); err != nil {
							b.Fatal(err)
						}
					}
					c, err := store.Consumer(context.Background(), "bench")
					if err != nil {
						b.Fatal(err)
					}
					defer c.Close()
					h := &noop{done: make(chan struct{})}
					h.left.Store(int64(b.N))
					b.ReportAllocs()
					b.ResetTimer()
					cfg := rigConfig()
					cfg.Batch.MaxEvents = batch
					d := dispatch.Start(cfg, c, h)
					<-h.done
					if err := d.Stop(context.Background()); err != nil {
						b.Error(err)
					}
				})
			}
		}
	}
}
