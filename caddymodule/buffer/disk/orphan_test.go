package disk

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// journal keeps what is logged.
type journal struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.Write(p)
}

func (j *journal) all() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.String()
}

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// with returns the lines that hold all of the parts.
func (j *journal) with(parts ...string) (found []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.lines.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}

func keepOnly(t *testing.T, b *Buffer, names ...string) {
	t.Helper()
	if err := b.KeepConsumers(t.Context(), names...); err != nil {
		t.Fatal(err)
	}
}

func closeAll(t *testing.T, all ...buffer.Consumer) {
	t.Helper()
	for _, c := range all {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func wantConsumers(t *testing.T, b *Buffer, want ...string) {
	t.Helper()
	all, err := b.Consumers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all {
		got = append(got, c.Name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("consumers differ (-want +got):\n%s", d)
	}
}

func memoOf(key, value string) *buffer.Memo { return &buffer.Memo{Key: key, Value: []byte(value)} }

func TestOrphanHoldsUntilRetentionHasPassed(t *testing.T) {
	var j journal
	b, clock := openFor(t, Options{Limits: Limits{Retention: 24 * hour}, Log: j.log()})
	live, gone := openConsumer(t, b, "live"), openConsumer(t, b, "gone")
	appendTo(t, b, 1, 10)
	settleN(t, live, 10, doneAll)
	settleN(t, gone, 1, buffer.Outcome{Verb: buffer.Done, Memo: memoOf("k", "v")})
	settleN(t, gone, 1, buffer.Outcome{Verb: buffer.Defer, Lane: "l"})
	closeAll(t, live, gone)
	clock.Advance(20 * hour)
	keepOnly(t, b, "live")
	clock.Advance(12 * hour)
	appendTo(t, b, 11, 12) // after it was orphaned
	wantFirst(t, b, 2)     // old enough, but the orphan's time is not over
	clock.Advance(11 * hour)
	wantFirst(t, b, 2)
	wantConsumers(t, b, "gone", "live")
	clock.Advance(hour)
	wantFirst(t, b, 11)
	if got := j.with("level=WARN", "consumer=gone", "events=9"); len(got) != 1 {
		t.Fatalf("the loss is not logged once with its count: %q", j.all())
	}
	wantConsumers(t, b, "live")
	if got := j.with("level=INFO", "consumer=gone", "is removed"); len(got) != 1 {
		t.Fatalf("the removal is not logged once: %q", j.all())
	}
	// Nothing of it is left, in the store or for one of the same name.
	if err := b.CreateConsumers(t.Context(), buffer.ConsumerSpec{Name: "gone", Start: buffer.Start{From: buffer.StartNow}}); err != nil {
		t.Fatal(err)
	}
	c := openConsumer(t, b, "gone")
	if v, err := c.Memo(t.Context(), "k"); err != nil || v != nil {
		t.Fatalf("got memo %q, %v", v, err)
	}
	if s := c.Stats(); s.Deferred != 0 || s.Position != 12 {
		t.Fatalf("got stats %+v", s)
	}
	// A live consumer holds its events whatever their age, open or not.
	clock.Advance(1000 * hour)
	wantFirst(t, b, 11)
}

func TestOrphanThatIsKeptAgainLosesNothing(t *testing.T) {
	b, clock := openFor(t, Options{Limits: Limits{Retention: 24 * hour}})
	closeAll(t, openConsumer(t, b, "h"))
	appendTo(t, b, 1, 3)
	keepOnly(t, b)
	clock.Advance(23 * hour)
	keepOnly(t, b) // since the first time, not since this one
	wantFirst(t, b, 1)
	keepOnly(t, b, "h")
	clock.Advance(100 * hour)
	wantFirst(t, b, 1)
	keepOnly(t, b, "other")
	clock.Advance(100 * hour)
	c := openConsumer(t, b, "h")
	wantFirst(t, b, 1) // open is as good as kept
	closeAll(t, c)
	wantFirst(t, b, 4)
	wantConsumers(t, b)
}

// An orphan's time counts over a restart.
func TestOrphanOverReopen(t *testing.T) {
	b, clock := openFor(t, Options{Limits: Limits{Retention: 24 * hour}})
	closeAll(t, openConsumer(t, b, "h"))
	appendTo(t, b, 1, 3)
	keepOnly(t, b)
	since := clock.Now()
	clock.Advance(20 * hour)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), b.opts)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	all, err := b.Consumers(t.Context())
	if err != nil || len(all) != 1 || !all[0].OrphanedSince.Equal(since) {
		t.Fatalf("got %+v, %v", all, err)
	}
	clock.Advance(4 * hour)
	wantFirst(t, b, 4)
	wantConsumers(t, b)
}

func TestOrphanGivesWayBeforeEventsAreRefused(t *testing.T) {
	var j journal
	b, clock := openFor(t, Options{Limits: Limits{MaxSize: 2 << 20}, Log: j.log()})
	live, gone := openConsumer(t, b, "live"), openConsumer(t, b, "gone")
	closeAll(t, gone)
	keepOnly(t, b, "live")
	clock.Advance(orphanGrace)
	for i := range 1000 {
		e := crashEvent(fmt.Sprint(i), 10000)
		_, err := b.Append(t.Context(), e)
		if errors.Is(err, buffer.ErrFull) {
			// The keeper is on its way; one trim must be enough.
			if err := b.trim(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err = b.Append(t.Context(), e)
		}
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		settleN(t, live, 1, doneAll)
	}
	if len(j.with("level=WARN", "consumer=gone", "events=")) == 0 {
		t.Fatalf("the loss is not logged: %q", j.all())
	}
	wantConsumers(t, b, "gone", "live")
	if s := b.Stats(); s.First < 700 || s.Bytes < (2<<20)*80/100 {
		t.Fatalf("orphans lost too much or too little: %+v", s)
	}
	// What a live consumer has not settled stays, however full it is.
	appended := 0
	for err := error(nil); err == nil; appended++ {
		_, err = b.Append(t.Context(), crashEvent(fmt.Sprint("more", appended), 10000))
		if errors.Is(err, buffer.ErrFull) {
			if err := b.trim(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err = b.Append(t.Context(), crashEvent(fmt.Sprint("more", appended), 10000))
		}
	}
	if err := b.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := b.Stats(); s.First > 1001 || s.Last < 1001 {
		t.Fatalf("got %+v, event 1001 is not settled", s)
	}
	settleN(t, live, appended-1, doneAll)
}

// A handler that is away for a few minutes, by a reload that is taken back or a mistake that is fixed, loses
// nothing, even if events are refused meanwhile.
func TestYoungOrphanHoldsUnderPressure(t *testing.T) {
	for _, test := range []struct {
		name  string
		away  time.Duration
		loses bool
	}{
		{"a reload taken back", 0, false},
		{"a mistake fixed", time.Minute, false},
		{"just within the grace", orphanGrace - 1, false},
		{"too late", orphanGrace, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var j journal
			b, clock := openFor(t, Options{Limits: Limits{MaxSize: 1 << 20}, Log: j.log()})
			h := openConsumer(t, b, "h")
			n := fillUp(t, b, "a")
			settleN(t, h, 1, buffer.Outcome{Verb: buffer.Defer, Lane: "l"})
			closeAll(t, h)
			keepOnly(t, b)
			clock.Advance(test.away)
			if err := b.trim(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err := b.Append(t.Context(), crashEvent("x", 10000))
			if refused := errors.Is(err, buffer.ErrFull); refused == test.loses || !refused && err != nil {
				t.Fatalf("got %v", err)
			}
			// The keeper may have said just before that h, still with a handler, holds everything.
			if said := len(j.with("level=WARN", "without a handler", "removed=h", "kept for\"=15m")) > 0; test.away > sweepEvery && said == test.loses {
				t.Fatalf("got %q", j.all())
			}
			keepOnly(t, b, "h")
			h = openConsumer(t, b, "h")
			left := int(h.Stats().Pending + h.Stats().Deferred)
			if lost := left < n; lost != test.loses {
				t.Fatalf("%d of %d events are left", left, n)
			}
		})
	}
}

// Forgetting a young orphan makes room at once.
func TestForgetFreesAYoungOrphan(t *testing.T) {
	b, _ := openFor(t, Options{Limits: Limits{MaxSize: 1 << 20}})
	closeAll(t, openConsumer(t, b, "h"))
	fillUp(t, b, "a")
	keepOnly(t, b)
	if err := b.ForgetConsumer(t.Context(), "h"); err != nil {
		t.Fatal(err)
	}
	if err := b.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Append(t.Context(), crashEvent("x", 10000)); err != nil {
		t.Fatal(err)
	}
}

// Deferred events and copies of an orphan go with the events, and are no longer counted.
func TestOrphanLosesDeferredAndCopies(t *testing.T) {
	var j journal
	b, clock := openFor(t, Options{Limits: Limits{Retention: 24 * hour}, Log: j.log()})
	gone := openConsumer(t, b, "gone")
	appendTo(t, b, 1, 4)
	settleN(t, gone, 1, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	settleN(t, gone, 1, doneAll)
	clock.Advance(25 * hour)
	wantFirst(t, b, 3)
	reopenLetters(t, b, gone)
	settleN(t, gone, 1, buffer.Outcome{Verb: buffer.Defer, Lane: "l"})
	closeAll(t, gone)
	keepOnly(t, b)
	clock.Advance(25 * hour)
	wantFirst(t, b, 5)
	if len(j.with("consumer=gone", "events=3")) != 1 {
		t.Fatalf("got %q", j.all())
	}
	wantConsumers(t, b)
	if n := b.bytes(); n != 0 {
		t.Fatalf("%d bytes are accounted for in an empty buffer", n)
	}
	wantEmpty(t, b, format.KindConsumer, format.KindLifecycle, format.KindDeferred, format.KindDeferredAt, format.KindCopy, format.KindMemo, format.KindDeadLetter)
}
