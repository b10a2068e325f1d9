package disk

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Limits that keep less take nothing away at once: a config may be taken back a moment later.
func TestSmallerLimitsWait(t *testing.T) {
	before := Limits{
		Retention: 24 * hour, MaxSize: 4 << 20, DedupeWindow: 24 * hour, DeadLetterRetention: 24 * hour, Headroom: 1 << 20,
	}
	for _, test := range []struct {
		name   string
		change func(l *Limits)
	}{
		{"retention", func(l *Limits) { l.Retention = hour }},
		{"size", func(l *Limits) { l.MaxSize = 1 << 20 }},
		{"dedupe window", func(l *Limits) { l.DedupeWindow = hour }},
		{"dead letters", func(l *Limits) { l.DeadLetterRetention = hour }},
		{"headroom", func(l *Limits) { l.Headroom = 1 << 30 }},
	} {
		after := before
		test.change(&after)
		t.Run(test.name, func(t *testing.T) {
			t.Run("taken back", func(t *testing.T) {
				r := newLimitsRig(t, before)
				r.reconfigure(after)
				r.wantAll("at once")
				r.clock.Advance(limitsGrace - 1)
				r.wantAll("just before the minute is over")
				r.reconfigure(before)
				r.clock.Advance(hour)
				r.wantAll("long after it was taken back")
				r.reconfigure(after)
				r.wantAll("at once, the second time")
			})
			t.Run("kept", func(t *testing.T) {
				r := newLimitsRig(t, before)
				r.reconfigure(after)
				r.clock.Advance(limitsGrace / 2)
				r.reconfigure(after) // another reload with the same limits
				r.clock.Advance(limitsGrace / 2)
				r.wantLess()
			})
			t.Run("another change", func(t *testing.T) {
				r := newLimitsRig(t, before)
				r.reconfigure(after)
				r.clock.Advance(limitsGrace / 2)
				other := after
				other.Headroom /= 2
				other.Retention -= time.Minute
				r.reconfigure(other)
				r.clock.Advance(limitsGrace - 1)
				r.wantAll("within the grace of the second change")
				r.clock.Advance(1)
				r.wantLess()
			})
		})
	}
}

// Room is refused by the new limits, and given by them, at once.
func TestLimitsRefuseAtOnce(t *testing.T) {
	b, _ := openFor(t, Options{Limits: Limits{MaxSize: 4 << 20}})
	openConsumer(t, b, "h")
	appendTo(t, b, 1, 150)
	for _, step := range []struct {
		size uint64
		full bool
	}{{1 << 20, true}, {4 << 20, false}, {1 << 20, true}} {
		if err := b.Reconfigure(Limits{MaxSize: step.size}); err != nil {
			t.Fatal(err)
		}
		_, err := b.Append(t.Context(), crashEvent(time.Now().String(), 1))
		if errors.Is(err, buffer.ErrFull) != step.full || err != nil && !step.full {
			t.Fatalf("with %d bytes: got %v", step.size, err)
		}
	}
}

// limitsRig is a buffer with 150 events that are settled, every third by a dead letter, all 12 hours old. Beside
// them are ids of three generations.
type limitsRig struct {
	t     *testing.T
	b     *Buffer
	clock *testClock
	full  [3]uint64
}

func newLimitsRig(t *testing.T, l Limits) *limitsRig {
	t.Helper()
	mem := vfs.NewMem()
	mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 2 << 20, TotalBytes: 1 << 40})
	b, clock := openFor(t, Options{FS: mem, Limits: l})
	r := &limitsRig{t: t, b: b, clock: clock}
	c := openConsumer(t, b, "h")
	appendTo(t, b, 1, 50)
	settleN(t, c, 50, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	appendTo(t, b, 51, 150)
	settleN(t, c, 100, doneAll)
	// A bucket is closed by the first id after it.
	clock.Advance(25 * hour / 2)
	b.dedupe.Bucket(clock.Now().UnixNano(), clock.Now().Add(-hour).UnixNano())
	clock.Advance(hour)
	b.dedupe.Bucket(clock.Now().UnixNano(), clock.Now().Add(-hour).UnixNano())
	clock.Advance(2 * hour)
	b.dedupe.Bucket(clock.Now().UnixNano(), clock.Now().Add(-hour).UnixNano())
	r.full = r.have()
	return r
}

func (r *limitsRig) reconfigure(l Limits) {
	r.t.Helper()
	if err := r.b.Reconfigure(l); err != nil {
		r.t.Fatal(err)
	}
}

// have trims, and counts what is left.
func (r *limitsRig) have() [3]uint64 {
	r.t.Helper()
	r.b.checkHeadroom()
	if err := r.b.trim(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	s := r.b.Stats()
	return [3]uint64{s.Last - s.First + 1, s.DeadLetters, uint64(r.b.dedupe.Buckets())}
}

func (r *limitsRig) wantAll(when string) {
	r.t.Helper()
	if got := r.have(); got != r.full {
		r.t.Fatalf("%s there are %v events, dead letters and buckets of ids, want %v", when, got, r.full)
	}
}

func (r *limitsRig) wantLess() {
	r.t.Helper()
	if got := r.have(); got == r.full {
		r.t.Fatalf("there still are %v events, dead letters and buckets of ids", got)
	}
}
