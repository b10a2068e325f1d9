package disk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/dedupe"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const hour = time.Hour

func openFor(t *testing.T, o Options) (*Buffer, *testClock) {
	t.Helper()
	clock := &testClock{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	o.Path, o.Clock = "buffer", clock.Now
	if o.FS == nil {
		o.FS = vfs.NewMem()
	}
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, clock
}

func appendTo(t *testing.T, b *Buffer, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if _, err := b.Append(t.Context(), crashEvent(fmt.Sprint(i), 10000)); err != nil {
			t.Fatal(err)
		}
	}
}

func openConsumer(t *testing.T, b *Buffer, name string) buffer.Consumer {
	t.Helper()
	c, err := b.Consumer(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// settleN leases n events and gives all the same outcome.
func settleN(t *testing.T, c buffer.Consumer, n int, o buffer.Outcome) {
	t.Helper()
	for n > 0 {
		leases, err := c.Lease(t.Context(), buffer.Room{Events: n})
		if err != nil {
			t.Fatal(err)
		}
		n -= len(leases)
		for _, l := range leases {
			o.Position = l.Event.Position
			if err := c.Settle(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func wantFirst(t *testing.T, b *Buffer, want uint64) {
	t.Helper()
	if err := b.trim(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := b.Stats().First; got != want {
		t.Fatalf("the oldest event is %d, want %d", got, want)
	}
}

var doneAll = buffer.Outcome{Verb: buffer.Done}

func TestRetentionByAge(t *testing.T) {
	o := Options{Limits: Limits{Retention: 24 * hour}}
	b, clock := openFor(t, o)
	a, other := openConsumer(t, b, "a"), openConsumer(t, b, "b")
	appendTo(t, b, 1, 10)
	clock.Advance(12 * hour)
	appendTo(t, b, 11, 20)
	settleN(t, a, 20, doneAll)
	settleN(t, other, 6, doneAll)
	wantFirst(t, b, 1) // too young
	clock.Advance(13 * hour)
	wantFirst(t, b, 7) // held by b
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	wantFirst(t, b, 7) // held by b, even though it is not open
	other = openConsumer(t, b, "b")
	settleN(t, other, 1, buffer.Outcome{Verb: buffer.Defer, Lane: "l"})
	settleN(t, other, 13, doneAll)
	wantFirst(t, b, 7) // a deferred event is not settled
	if _, err := other.LeaseDeferred(t.Context(), "l", buffer.Room{Events: 1}); err != nil {
		t.Fatal(err)
	}
	if err := other.Settle(t.Context(), buffer.Outcome{Position: 7, Verb: buffer.Done}); err != nil {
		t.Fatal(err)
	}
	wantFirst(t, b, 11)
	clock.Advance(100 * hour)
	wantFirst(t, b, 21)
	if n := b.bytes(); n != 0 {
		t.Fatalf("%d bytes are accounted for in an empty buffer", n)
	}
	// Positions go on, and so do the consumers, over a restart with nothing stored.
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), b.opts)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if r, err := b.Append(t.Context(), crashEvent("x", 1)); err != nil || r.Position != 21 {
		t.Fatalf("got %+v, %v; want position 21", r, err)
	}
	if l, err := openConsumer(t, b, "a").Lease(t.Context(), buffer.Room{Events: 5}); err != nil || len(l) != 1 || l[0].Event.Position != 21 {
		t.Fatalf("got %v, %v", l, err)
	}
}

func TestRetentionWithoutConsumers(t *testing.T) {
	b, clock := openFor(t, Options{Limits: Limits{Retention: 24 * hour}})
	appendTo(t, b, 1, 5)
	clock.Advance(23 * hour)
	wantFirst(t, b, 1)
	clock.Advance(2 * hour)
	wantFirst(t, b, 6)
}

func TestRetentionBySize(t *testing.T) {
	b, _ := openFor(t, Options{Limits: Limits{MaxSize: 2 << 20}})
	c := openConsumer(t, b, "a")
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = b.Append(t.Context(), crashEvent(fmt.Sprint(n), 10000))
	}
	n--
	if !errors.Is(err, buffer.ErrFull) || errors.Is(err, buffer.ErrHalted) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	if want := 2 << 20 * refuseAbove / 100 / 10150; n < want-5 || n > want+5 {
		t.Fatalf("%d events fit, want about %d", n, want)
	}
	if _, err := b.Append(t.Context(), crashEvent("3", 1)); err != nil {
		t.Fatalf("a duplicate of a stored event: %v", err)
	}
	wantFirst(t, b, 1)
	settleN(t, c, n/2, doneAll)
	if err := b.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := b.Stats()
	// The keeper may have trimmed while not all of them were settled.
	if limit := uint64(2 << 20); s.Bytes > limit*trimAbove/100 || s.Bytes < limit*(trimTo-2)/100 {
		t.Fatalf("%d bytes are left, want %d%% to %d%% of %d", s.Bytes, trimTo, trimAbove, limit)
	}
	if _, err := b.Append(t.Context(), crashEvent("new", 10000)); err != nil {
		t.Fatal(err)
	}
	// A larger limit takes effect at once.
	if err := b.Reconfigure(Limits{MaxSize: 8 << 20}); err != nil {
		t.Fatal(err)
	}
	appendTo(t, b, 10001, 10300)
	if err := b.Reconfigure(Limits{MaxSize: 1}); err == nil {
		t.Fatal("a limit of one byte was taken")
	}
}

func TestBytesOverReopen(t *testing.T) {
	b, _ := openFor(t, Options{})
	appendTo(t, b, 1, 30)
	c := openConsumer(t, b, "a")
	settleN(t, c, 5, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	before := b.Stats().Bytes
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), b.opts)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if after := b.Stats().Bytes; after != before || before < 35*10000 {
		t.Fatalf("%d bytes, and %d after a reopen", before, after)
	}
}

func TestRetentionOfDeadLetters(t *testing.T) {
	b, clock := openFor(t, Options{Limits: Limits{Retention: hour, DeadLetterRetention: 48 * hour}})
	c := openConsumer(t, b, "a")
	appendTo(t, b, 1, 4)
	dead := buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected}
	settleN(t, c, 3, dead)
	clock.Advance(24 * hour)
	settleN(t, c, 1, dead)
	wantFirst(t, b, 5)
	for _, step := range []struct {
		advance time.Duration
		want    int
	}{{0, 4}, {25 * hour, 1}, {24 * hour, 0}} {
		clock.Advance(step.advance)
		if err := b.trim(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := 0
		for d, err := range b.DeadLetters(t.Context(), "") {
			if err != nil || len(d.Event.Body) != 10000 {
				t.Fatal(d.Event.Position, err)
			}
			n++
		}
		if s := b.Stats().DeadLetters; n != step.want || s != uint64(step.want) {
			t.Fatalf("after %s: %d dead letters, stats say %d, want %d", step.advance, n, s, step.want)
		}
	}
	if n := b.bytes(); n != 0 {
		t.Fatalf("%d bytes are accounted for in an empty buffer", n)
	}
}

func TestDedupeBucketsExpire(t *testing.T) {
	b, clock := openFor(t, Options{Limits: Limits{DedupeWindow: 24 * hour}})
	for i := range 10 {
		appendTo(t, b, i, i)
		clock.Advance(13 * hour)
		if err := b.trim(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.dedupe.Buckets(); n > 3 {
		t.Fatalf("%d buckets are left, want at most 3", n)
	}
	d, err := dedupe.Load(b.db, 0)
	if err != nil || d.Buckets() > 3 {
		t.Fatalf("%d buckets are stored (%v), want at most 3", d.Buckets(), err)
	}
}

func TestHeadroom(t *testing.T) {
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 100 << 20, TotalBytes: 1 << 30})
	b, _ := openFor(t, Options{FS: mem})
	if _, err := b.Append(t.Context(), crashEvent("1", 1)); !errors.Is(err, buffer.ErrFull) {
		t.Fatalf("with too little space: got %v, want ErrFull", err)
	}
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 300 << 20, TotalBytes: 1 << 30})
	b.checkHeadroom()
	if _, err := b.Append(t.Context(), crashEvent("1", 1)); err != nil {
		t.Fatalf("with space again: %v", err)
	}
}

// The window bounds how far a consumer gets past an event that stays leased.
func TestLeaseStopsAtTheWindow(t *testing.T) {
	b, _ := openFor(t, Options{})
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := range (format.Window + 128) / 64 {
				if _, err := b.Append(t.Context(), crashEvent(fmt.Sprintf("%d-%d", w, i), 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c := openConsumer(t, b, "a")
	var held []buffer.Lease
	n := 0
	for n < format.Window {
		leases, err := c.Lease(t.Context(), buffer.Room{Events: 1000})
		if err != nil {
			t.Fatal(err)
		}
		n += len(leases)
		var outcomes []buffer.Outcome
		for _, l := range leases {
			if l.Event.Position == 1 {
				held = append(held, l)
				continue
			}
			outcomes = append(outcomes, buffer.Outcome{Position: l.Event.Position, Verb: buffer.Done})
		}
		if err := c.Settle(t.Context(), outcomes...); err != nil {
			t.Fatal(err)
		}
	}
	if n != format.Window {
		t.Fatalf("%d were leased past a held event, want %d", n, format.Window)
	}
	got := make(chan int)
	go func() {
		leases, _ := c.Lease(t.Context(), buffer.Room{Events: 1000})
		got <- len(leases)
	}()
	select {
	case n := <-got:
		t.Fatalf("%d more were leased", n)
	default:
	}
	if err := c.Settle(t.Context(), buffer.Outcome{Position: held[0].Event.Position, Verb: buffer.Done}); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != 128 {
		t.Fatalf("%d were leased once the window moved, want 128", n)
	}
}
