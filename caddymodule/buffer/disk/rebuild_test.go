package disk

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// A store that is built anew from a log whose beginning is gone does not know every consumer any more. None of them may
// miss an event that it has not settled.
func TestRebuiltStoreSkipsNothing(t *testing.T) {
	mem := vfs.NewMem()
	var hours atomic.Int64
	clock := func() time.Time { return time.Date(2026, 11, 29, int(hours.Load()), 0, 0, 0, time.UTC) }
	o := Options{Path: "buffer", FS: mem, memTable: 64 << 10, Clock: clock, Limits: Limits{Retention: time.Hour}}
	b, err := Open(t.Context(), o)
	must(t, err)
	// Both settle all that comes first, then one of them rests.
	must(t, b.CreateConsumers(t.Context(), buffer.ConsumerSpec{Name: "resting"}, buffer.ConsumerSpec{Name: "working"}))
	n := 0
	work := func(name string, events int) {
		c, err := b.Consumer(t.Context(), name)
		must(t, err)
		defer c.Close()
		for done := 0; done < events; {
			leases, err := c.Lease(t.Context(), buffer.Room{Events: 50})
			must(t, err)
			for _, l := range leases {
				must(t, c.Settle(t.Context(), buffer.Outcome{Position: l.Event.Position, Verb: buffer.Done}))
			}
			done += len(leases)
		}
	}
	add := func(events int) {
		for range events {
			n++
			_, err := b.Append(t.Context(), crashEvent(fmt.Sprint(n), 4000))
			must(t, err)
		}
	}
	const first, later = 100, 60
	add(first)
	work("resting", first)
	work("working", first)
	// What is old goes, and with it the groups that say how far the resting one is.
	must(t, b.events.Rotate())
	hours.Add(2)
	add(later)
	work("working", later)
	await(t, time.Minute, "the beginning of the log is gone", func() bool {
		must(t, b.trim(t.Context()), b.flushAndRemove())
		_, begins, _ := b.events.Beginning()
		return begins == first+1
	})
	want := b.Stats()
	must(t, b.Close())

	spoil(t, mem, o)
	b, err = Open(t.Context(), o)
	must(t, err)
	defer b.Close()
	if s := b.Stats(); s.First > want.First || s.Last != want.Last || s.Bytes == 0 {
		t.Errorf("after the rebuild %+v; before %+v", s, want)
	}
	// Whatever handlers file comes now: who is not known starts with the oldest event.
	if all, err := b.Consumers(t.Context()); err != nil || len(all) != 1 {
		t.Fatalf("the store knows %d consumers, so nothing is shown, %v", len(all), err)
	}
	spec := buffer.ConsumerSpec{Name: "resting", Start: buffer.Start{From: buffer.StartNow}}
	must(t, b.CreateConsumers(t.Context(), spec))
	c, err := b.Consumer(t.Context(), "resting")
	must(t, err)
	defer c.Close()
	had := map[uint64]bool{}
	for c.Stats().Pending > 0 {
		leases, err := c.Lease(t.Context(), buffer.Room{Events: 100})
		must(t, err)
		for _, l := range leases {
			had[l.Event.Position] = true
		}
	}
	for p := uint64(first + 1); p <= first+later; p++ {
		if !had[p] {
			t.Errorf("event %d was not settled, and is skipped", p)
		}
	}
	if s := consumerInfo(t, b, "working"); s.Waiting() != 0 {
		t.Errorf("the working consumer has %d events to do again, the log knows that it has none", s.Waiting())
	}
}

func consumerInfo(t *testing.T, b *Buffer, name string) buffer.ConsumerInfo {
	t.Helper()
	all, err := b.Consumers(t.Context())
	must(t, err)
	for _, c := range all {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no consumer %q", name)
	return buffer.ConsumerInfo{}
}
