package disk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// mixed is a closed buffer with all that an answer of 200 may have become, in several files of events.
type mixed struct {
	o     Options
	clock *testClock
	// held are the bodies that it holds, other those that it held once. first is its first event.
	held  map[string]holding
	other map[string]bool
	first uint64
	// dropped is the body of a dead letter that an operator has removed.
	dropped string
	// unknown: what was trimmed or dropped may not be known any more.
	unknown bool
}

// holding is what a body is held as.
type holding struct {
	what     string
	position uint64
}

func newMixed(t *testing.T, mem *vfs.MemFS) *mixed { return newMixedBehind(t, mem, 40) }

// newMixedBehind is one of which so many events are settled and trimmed.
func newMixedBehind(t *testing.T, mem *vfs.MemFS, trimmed int) *mixed {
	t.Helper()
	m := &mixed{other: map[string]bool{}, clock: &testClock{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}}
	m.o = Options{Path: "buffer", FS: mem, memTable: 32 << 10, Clock: m.clock.Now, Limits: Limits{Retention: 24 * hour}}
	b, err := Open(t.Context(), m.o)
	must(t, err)
	h := openConsumer(t, b, "h")
	m.fill(t, b, 0, trimmed*3/2)
	settleN(t, h, 3, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	settleN(t, h, trimmed-3, doneAll)
	m.clock.Advance(25 * hour)
	must(t, b.trim(t.Context()))
	if first := int(b.Stats().First); first < trimmed/2 {
		t.Fatalf("the first event is %d, want some trimmed", first)
	}
	waits := m.reopenOne(t, b, h)
	m.fill(t, b, trimmed*3/2, 140+trimmed*3/2)
	settleN(t, h, 20, doneAll)
	settleN(t, h, 2, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	for l, err := range b.DeadLetters(t.Context(), "") {
		must(t, err)
		if l.Handler == "" && l.Event.Position > 70 {
			// What an operator has removed does not come back.
			_, err := b.DropDeadLetters(t.Context(), l.ID)
			must(t, err)
			m.dropped = string(l.Event.Body)
			break
		}
	}
	closeAll(t, h)
	m.held, m.first = bodies(t, b), b.Stats().First
	m.held[string(waits.Body)] = holding{"copy", waits.Position}
	b.removeSegments()
	must(t, b.Close())
	return m
}

// reopenOne has a handler get an event again that is trimmed: a copy is all that is left of it.
func (m *mixed) reopenOne(t *testing.T, b *Buffer, h buffer.Consumer) buffer.Event {
	t.Helper()
	for l, err := range b.DeadLetters(t.Context(), "") {
		must(t, err)
		if l.Handler == "h" && l.Event.Position < b.Stats().First {
			must(t, h.Settle(t.Context(), buffer.Outcome{Position: l.Event.Position, Verb: buffer.Reopen, Lane: "again",
				Letter: l.ID}))
			return l.Event
		}
	}
	t.Fatal("there is no dead letter of a trimmed event")
	return buffer.Event{}
}

// fill appends events. Every tenth is one that cannot be read, and every fourteenth comes again with other data.
func (m *mixed) fill(t *testing.T, b *Buffer, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		e := crashEvent(fmt.Sprint(i), 1000)
		e.VehicleID = fmt.Sprint("v", i%7)
		e.Body = fmt.Appendf(nil, "body %d %s", i, e.Body)
		e.Digest = uint64(i)
		if i%10 == 3 {
			e.Unreadable, e.VehicleID = "no JSON", ""
		}
		_, err := b.Append(t.Context(), e)
		must(t, err)
		m.other[string(e.Body)] = true
		if i%14 == 5 {
			e.Body, e.Digest, e.VehicleID = append([]byte("other "), e.Body...), e.Digest+1e6, "v9"
			_, err := b.Append(t.Context(), e)
			must(t, err)
		}
	}
}

// bodies returns all that a buffer holds, and as what.
func bodies(t *testing.T, b *Buffer) map[string]holding {
	t.Helper()
	all := map[string]holding{}
	note := func(e *buffer.Event, what string) {
		if was, ok := all[string(e.Body)]; ok && was.what == what {
			t.Errorf("there twice: %.20q as %s", e.Body, what)
		}
		all[string(e.Body)] = holding{what, e.Position}
	}
	for l, err := range b.DeadLetters(t.Context(), "") {
		must(t, err)
		note(&l.Event, fmt.Sprintf("dead letter of %q: %s", l.Handler, l.Reason))
	}
	for e, err := range b.Events(t.Context(), buffer.Range{}) {
		if err == nil {
			note(&e, "event")
		}
	}
	return all
}

// recover recovers a folder and compares what is there with what was there before.
func (m *mixed) recover(t *testing.T, b *Buffer, name string) buffer.Recovered {
	t.Helper()
	counted, err := b.RecoverDamaged(t.Context(), name, true)
	must(t, err)
	if n := len(bodies(t, b)); n > 0 {
		t.Errorf("after a dry run %d events are there", n)
	}
	r, err := b.RecoverDamaged(t.Context(), name, false)
	must(t, err)
	if r.Readable != counted.Readable || r.Missing != counted.Missing || r.Letters != counted.Letters ||
		r.Stored+r.Known != r.Readable {
		t.Errorf("recovered %+v, counted before %+v", r, counted)
	}
	now, missing, letters := bodies(t, b), uint64(0), 0
	for body, was := range m.held {
		switch is, ok := now[body]; {
		case !ok && was.position < m.first:
			letters++
		case !ok:
			missing++
		case is.what != was.what && (is.what != "event" || strings.HasPrefix(was.what, `dead letter of ""`)):
			t.Errorf("%.12q is %s, and was %s", body, is.what, was.what)
		}
	}
	if is, ok := now[m.dropped]; ok && !m.unknown {
		t.Errorf("what was dropped is there again, as %s", is.what)
	}
	for body, is := range now {
		if _, ok := m.held[body]; !ok && !m.other[body] {
			t.Errorf("%.20q is there, as %s, and never was", body, is.what)
		}
	}
	t.Logf("%+v; of %d bodies %d are missing, and %d letters", r, len(m.held), missing, letters)
	// That an event was trimmed, or a dead letter dropped, may be among what cannot be read.
	most := missing
	if _, ok := now[m.dropped]; !ok {
		most++
	}
	for body := range m.other {
		_, held := m.held[body]
		if _, ok := now[body]; m.unknown && !ok && !held {
			most++
		}
	}
	if r.Missing < missing || r.Missing > most {
		t.Errorf("%d to %d are missing, recovering says %d", missing, most, r.Missing)
	}
	if letters > 0 && !r.LettersLost {
		t.Errorf("%d dead letters of trimmed events are missing, and recovering does not say that some may be", letters)
	}
	again, err := b.RecoverDamaged(t.Context(), name, false)
	must(t, err)
	if again.Stored != 0 || again.Known != r.Readable || again.Missing != r.Missing {
		t.Errorf("once more: %+v, after %+v", again, r)
	}
	if after := bodies(t, b); !maps.Equal(after, now) {
		t.Errorf("once more: %d are there, %d before", len(after), len(now))
	}
	i := slices.IndexFunc(b.Stats().Damaged, func(d buffer.Damaged) bool { return d.Name == name })
	if d := b.Stats().Damaged[i]; d.RecoveredAt.IsZero() || d.Missing != r.Missing {
		t.Errorf("after it: %+v", d)
	}
	return r
}
