package buffertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// fixture is a buffer with short ways to use it; they end the test on an error.
type fixture struct {
	buffer.Buffer
	t       *testing.T
	ctx     context.Context
	storage Storage
	clock   *clock
}

// Event returns an event with every field set.
func Event(id string) *buffer.Event {
	return &buffer.Event{
		Source:      "production",
		ID:          id,
		Type:        "VEHICLE_STATE",
		Mode:        "LIVE",
		VehicleID:   "vehicle-" + id,
		UserID:      "user",
		WebhookID:   "webhook",
		DeliveryID:  "delivery-" + id,
		ReceivedAt:  time.Date(2026, 3, 1, 11, 59, 59, 123456789, time.UTC),
		Signature:   "0f",
		ContentType: "application/json",
		Digest:      42,
		TraceParent: buffer.TraceParent{TraceID: [16]byte{0: 0x4b, 15: 0x36}, SpanID: [8]byte{7: 0xb7}, Flags: 1},
		Body:        []byte(`{"eventId":"` + id + `"}`),
	}
}

func (f *fixture) append(ids ...string) (last uint64) {
	f.t.Helper()
	for _, id := range ids {
		r, err := f.Append(f.ctx, Event(id))
		if err != nil || r.Duplicate {
			f.t.Fatalf("appending %q: got %+v, %v", id, r, err)
		}
		last = r.Position
	}
	return last
}

func (f *fixture) appendN(n int) {
	f.t.Helper()
	for i := range n {
		f.append(fmt.Sprintf("event-%d", i+1))
	}
}

func (f *fixture) consumer(name string) buffer.Consumer {
	f.t.Helper()
	c, err := f.Consumer(f.ctx, name)
	if err != nil {
		f.t.Fatalf("opening consumer %q: %v", name, err)
	}
	return c
}

// lease leases exactly n events, with as many calls as it takes.
func (f *fixture) lease(c buffer.Consumer, n int) []buffer.Lease {
	f.t.Helper()
	var all []buffer.Lease
	for len(all) < n {
		leases, err := c.Lease(f.ctx, buffer.Room{Events: n - len(all)})
		if err != nil {
			f.t.Fatalf("leasing event %d of %d: %v", len(all)+1, n, err)
		}
		all = append(all, leases...)
	}
	return all
}

// none checks that there is nothing to lease now.
func (f *fixture) none(c buffer.Consumer) {
	f.t.Helper()
	if n := c.Stats().Pending; n != 0 {
		f.t.Fatalf("%d events are pending, want none", n)
	}
}

func (f *fixture) settle(c buffer.Consumer, outcomes ...buffer.Outcome) {
	f.t.Helper()
	if err := c.Settle(f.ctx, outcomes...); err != nil {
		f.t.Fatalf("settling: %v", err)
	}
}

// deadLetters returns all of them, without their ids, which no test can know.
func (f *fixture) deadLetters() []buffer.DeadLetter {
	f.t.Helper()
	all := f.letters()
	for i := range all {
		all[i].ID = ""
	}
	return all
}

// letters returns all dead letters, and checks that each can be had by its id.
func (f *fixture) letters() []buffer.DeadLetter {
	f.t.Helper()
	var all []buffer.DeadLetter
	var last buffer.DeadLetterID
	for d, err := range f.DeadLetters(f.ctx, "") {
		if err != nil {
			f.t.Fatalf("reading dead letters: %v", err)
		}
		if d.ID <= last {
			f.t.Fatalf("dead letter %q comes behind %q", d.ID, last)
		}
		last = d.ID
		one, err := f.DeadLetter(f.ctx, d.ID)
		if err != nil {
			f.t.Fatalf("reading dead letter %q: %v", d.ID, err)
		}
		f.equal("dead letters", d, one)
		all = append(all, d)
	}
	return all
}

func (f *fixture) lanes(c buffer.Consumer) []buffer.Lane {
	f.t.Helper()
	var all []buffer.Lane
	for l, err := range c.Lanes(f.ctx) {
		if err != nil {
			f.t.Fatalf("reading lanes: %v", err)
		}
		all = append(all, l)
	}
	return all
}

func (f *fixture) leaseDeferred(c buffer.Consumer, lane string, limit int) []buffer.Lease {
	f.t.Helper()
	leases, err := c.LeaseDeferred(f.ctx, lane, buffer.Room{Events: limit})
	if err != nil {
		f.t.Fatalf("leasing deferred events of %q: %v", lane, err)
	}
	return leases
}

// reopen closes the buffer in good order and opens it again.
func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.Close(); err != nil {
		f.t.Fatalf("closing: %v", err)
	}
	f.Buffer = f.storage.Open(f.t)
}

func (f *fixture) crash() {
	f.t.Helper()
	f.storage.Crash(f.t)
	f.Buffer = f.storage.Open(f.t)
}

func done(positions ...uint64) []buffer.Outcome {
	var outcomes []buffer.Outcome
	for _, p := range positions {
		outcomes = append(outcomes, buffer.Outcome{Position: p, Verb: buffer.Done})
	}
	return outcomes
}

func positions(leases []buffer.Lease) []uint64 {
	var all []uint64
	for _, l := range leases {
		all = append(all, l.Event.Position)
	}
	return all
}

// specs names consumers that start by default.
func specs(names ...string) []buffer.ConsumerSpec {
	var all []buffer.ConsumerSpec
	for _, name := range names {
		all = append(all, buffer.ConsumerSpec{Name: name})
	}
	return all
}

func diff(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

func (f *fixture) equal(what string, want, got any) {
	f.t.Helper()
	if d := diff(want, got); d != "" {
		f.t.Fatalf("%s differ (-want +got):\n%s", what, d)
	}
}
