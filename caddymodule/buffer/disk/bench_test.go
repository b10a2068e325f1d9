package disk

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const benchBody = 2048

func benchOpen(b *testing.B) *Buffer {
	b.Helper()
	buf, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "buffer")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { buf.Close() })
	return buf
}

var benchRun = fmt.Sprint(time.Now().UnixNano())

func benchEvent(body []byte, n int64) *buffer.Event {
	return &buffer.Event{
		Source: "production", ID: fmt.Sprintf("%s-4c1b-9d2e-%012d", benchRun, n),
		Type: "VEHICLE_STATE", Mode: "LIVE", VehicleID: fmt.Sprintf("vehicle-%d", n%1000),
		UserID: "user", WebhookID: "webhook", DeliveryID: "delivery",
		ReceivedAt: time.Now(), Signature: "0000000000000000000000000000000000000000000000000000000000000000",
		ContentType: "application/json", Body: body,
	}
}

// BenchmarkAppend is to be read beside BenchmarkRawSync: the same bytes, one
// write and one fdatasync each.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			buf := benchOpen(b)
			before := buf.Stats().Syncs
			var next atomic.Int64
			b.ReportAllocs()
			b.SetBytes(benchBody)
			b.ResetTimer()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					body := make([]byte, benchBody)
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if _, err := buf.Append(context.Background(), benchEvent(body, n)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(buf.Stats().Syncs-before)/float64(b.N), "syncs/append")
		})
	}
}

func BenchmarkRawSync(b *testing.B) {
	f, err := vfs.Default.Create(filepath.Join(b.TempDir(), "raw"), vfs.WriteCategoryUnspecified)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Preallocate(0, 64<<20); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, benchBody)
	b.SetBytes(benchBody)
	for b.Loop() {
		if _, err := f.Write(body); err != nil {
			b.Fatal(err)
		}
		if err := f.SyncData(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDrain leases and settles a backlog, 64 events at a time, from 4 goroutines.
func BenchmarkDrain(b *testing.B) {
	buf := benchOpen(b)
	c, err := buf.Consumer(b.Context(), "h")
	if err != nil {
		b.Fatal(err)
	}
	fill(b, buf, b.N, benchBody)
	b.ReportAllocs()
	b.SetBytes(benchBody)
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				leases, err := c.Lease(ctx, buffer.Room{Events: 64})
				if err != nil {
					return
				}
				outcomes := make([]buffer.Outcome, len(leases))
				for i, l := range leases {
					outcomes[i] = buffer.Outcome{Position: l.Event.Position, Verb: buffer.Done}
				}
				if err := c.Settle(b.Context(), outcomes...); err != nil {
					b.Error(err)
				}
				if left.Add(-int64(len(leases))) <= 0 {
					cancel()
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkLane works off one lane of 100,000 deferred events, 16 at a time, and compares the first and the last tenth
// of them. Run it with -benchtime 1x. Syncs are left out, since they cost more than what is measured.
func BenchmarkLane(b *testing.B) {
	const events, chunk = 100_000, 16
	for b.Loop() {
		buf, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "buffer"), noSync: true})
		if err != nil {
			b.Fatal(err)
		}
		c, err := buf.Consumer(b.Context(), "h")
		if err != nil {
			b.Fatal(err)
		}
		fill(b, buf, events, 64)
		for done := 0; done < events; {
			leases, err := c.Lease(b.Context(), buffer.Room{Events: 1000})
			done += settleAll(b, c, leases, err, buffer.Outcome{Verb: buffer.Defer, Lane: "l"})
		}
		var look, all [10]time.Duration
		for done := 0; done < events; {
			tenth, started := done*10/events, time.Now()
			leases, err := c.LeaseDeferred(b.Context(), "l", buffer.Room{Events: chunk})
			look[tenth] += time.Since(started)
			done += settleAll(b, c, leases, err, buffer.Outcome{Verb: buffer.Done})
			all[tenth] += time.Since(started)
		}
		for i, name := range map[int]string{0: "first", 9: "last"} {
			b.ReportMetric(float64(look[i].Nanoseconds())/(events/10), name+"-lease-ns/event")
			b.ReportMetric(float64(all[i].Nanoseconds())/(events/10), name+"-ns/event")
		}
		if err := buf.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func settleAll(b *testing.B, c buffer.Consumer, leases []buffer.Lease, err error, o buffer.Outcome) int {
	b.Helper()
	if err != nil || len(leases) == 0 {
		b.Fatalf("got %d leases, %v", len(leases), err)
	}
	outcomes := make([]buffer.Outcome, len(leases))
	for i, l := range leases {
		outcomes[i] = o
		outcomes[i].Position = l.Event.Position
	}
	if err := c.Settle(b.Context(), outcomes...); err != nil {
		b.Fatal(err)
	}
	return len(leases)
}

func fill(b *testing.B, buf *Buffer, n, size int) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			body := make([]byte, size)
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if _, err := buf.Append(context.Background(), benchEvent(body, -i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
