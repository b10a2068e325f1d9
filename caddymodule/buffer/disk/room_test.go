package disk

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// The room that is told of is what can be stored until events are refused, whichever bound comes first.
func TestRoom(t *testing.T) {
	const limit, headroom = 10 << 20, 1 << 20
	mem := vfs.NewMem()
	free := func(n uint64) { mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: n, TotalBytes: 1 << 30}) }
	free(1 << 29)
	b, _ := openFor(t, Options{FS: mem, Limits: Limits{MaxSize: limit, Headroom: headroom}})
	c := openConsumer(t, b, "c")
	room := func() int64 {
		t.Helper()
		b.lookExtent()
		if s := b.Stats(); s.Room != nil {
			return int64(*s.Room)
		}
		t.Fatal("the room is not known")
		return 0
	}
	usable := hundredths(limit, refuseAbove)
	if got := room(); got != usable {
		t.Errorf("empty: %d, want %d", got, usable)
	}
	appendTo(t, b, 1, 100)
	if got, want := room(), usable-int64(b.Stats().Bytes); got != want {
		t.Errorf("100 that wait: %d, want %d", got, want)
	}
	settleN(t, c, 50, doneAll)
	if got, least := room(), usable-int64(b.Stats().Bytes)+50*10000; got < least || got > least+50*1000 {
		t.Errorf("50 that can go: %d, want some more than %d", got, least)
	}
	settleN(t, c, 50, doneAll)
	if got := room(); got != usable {
		t.Errorf("100 that can go: %d, want %d", got, usable)
	}
	// Events are trimmed beside that, so it is full only when a trim makes no more room.
	n := 0
	for round, more := 0, 1; more > 0; round++ {
		more = fillUp(t, b, fmt.Sprint(round, "-"))
		n += more
		must(t, b.trim(t.Context()))
	}
	if want := int(usable / int64(format.Cost(10000+200))); n < want*8/10 || n > want*12/10 {
		t.Errorf("%d more were taken, want about %d", n, want)
	}
	if got := room(); got > 11_000+hundredths(limit, 1) {
		t.Errorf("full: %d", got)
	}
	settleN(t, c, n, doneAll)
	free(headroom + 5000)
	b.checkHeadroom()
	if got, want := room(), 5000+b.eventBytes.Load(); got > want || got < want*9/10 {
		t.Errorf("a disk that is short, and all may go: %d, want %d", got, want)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.lookExtent()
	if s := b.Stats(); s.Room != nil {
		t.Errorf("closed: %d", *s.Room)
	}
}

// The time of the oldest event follows what is trimmed.
func TestOldest(t *testing.T) {
	b, clock := openFor(t, Options{Limits: Limits{Retention: hour}})
	begun := clock.Now()
	want := func(when string, want time.Time) {
		t.Helper()
		b.lookExtent()
		if got := b.Stats().Oldest; !got.Equal(want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	want("empty", time.Time{})
	appendTo(t, b, 1, 1)
	want("one", begun)
	clock.Advance(30 * time.Minute)
	appendTo(t, b, 2, 2)
	want("two", begun)
	clock.Advance(40 * time.Minute)
	if err := b.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("one is trimmed", begun.Add(30*time.Minute))
	clock.Advance(hour)
	if err := b.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("all are trimmed", time.Time{})
}

// syncs notes what the observer is told; only the committer calls it.
type syncs struct {
	took   []time.Duration
	events []int
}

func (s *syncs) Synced(took time.Duration, events int) {
	s.took, s.events = append(s.took, took), append(s.events, events)
}

// Each sync is told of, with its events: also one without any.
func TestObserver(t *testing.T) {
	seen := new(syncs)
	b, _ := openFor(t, Options{Observer: seen})
	c := openConsumer(t, b, "c")
	before := len(seen.events)
	appendTo(t, b, 1, 3)
	settleN(t, c, 1, doneAll)
	if got := len(seen.events); uint64(got) != b.Stats().Syncs {
		t.Errorf("%d syncs were told of, %d were made", got, b.Stats().Syncs)
	}
	events := 0
	for i, n := range seen.events[before:] {
		events += n
		if seen.took[before+i] <= 0 {
			t.Errorf("sync %d took %v", i, seen.took[before+i])
		}
	}
	if events != 3 || seen.events[len(seen.events)-1] != 0 {
		t.Errorf("events of the syncs: %v", seen.events[before:])
	}
}

// Letters of no handler are counted by their reason, those of a handler are not.
func TestLettersOfNoHandlerAreCounted(t *testing.T) {
	b, _ := openFor(t, Options{})
	c := openConsumer(t, b, "c")
	appendTo(t, b, 1, 2)
	unreadable := crashEvent("3", 100)
	unreadable.Unreadable = "no JSON"
	other := crashEvent("1", 20)
	other.Digest++
	for _, e := range []*buffer.Event{unreadable, other, other} {
		if _, err := b.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	settleN(t, c, 1, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	if s := b.Stats(); s.Unreadable != 1 || s.Conflicts != 1 || s.DeadLetters != 3 {
		t.Errorf("%d unreadable, %d in conflict, %d letters; want 1, 1, 3", s.Unreadable, s.Conflicts, s.DeadLetters)
	}
}
