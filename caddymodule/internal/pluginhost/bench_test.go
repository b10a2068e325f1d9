package pluginhost

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkHandle measures one call of one 2 KB event to a plugin that does
// nothing, with so many calls in flight.
func BenchmarkHandle(b *testing.B) {
	for _, batch := range []int{1, 50} {
		for _, inflight := range []int{1, 64} {
			b.Run(fmt.Sprintf("batch=%d/inflight=%d", batch, inflight), func(b *testing.B) {
				p := newPlugin(b, fakeSpec(b, nil))
				mustStart(b, p)
				body := "x " + strings.Repeat("x", 2048)
				payloads := make([]string, batch)
				for i := range payloads {
					payloads[i] = body
				}
				work := deliveries(payloads...)
				tickets := make(chan struct{}, b.N)
				for range b.N {
					tickets <- struct{}{}
				}
				close(tickets)
				b.ReportAllocs()
				b.ResetTimer()
				done := make(chan error, inflight)
				for range inflight {
					go func() {
						for range tickets {
							if _, err := p.Handle(context.Background(), work); err != nil {
								done <- err
								return
							}
						}
						done <- nil
					}()
				}
				for range inflight {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}
