package schema

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func event(source, body string, at time.Time) *buffer.Event {
	return &buffer.Event{Source: source, Body: []byte(body), ReceivedAt: at}
}

func field1(name string) string { return `{"eventType":"VEHICLE_STATE","` + name + `":1}` }

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		w.Opened(nil)
		w.Stored(1, event("a", field1("wings"), noon))
		w.Stored(2, event("a", field1("wings"), noon.Add(time.Second)))
		w.Stored(3, event("b", `{"eventType":"VEHICLE_GONE"}`, noon))
		w.Stored(4, event("b", string(smartcar.Sample{}.VehicleState()), noon))
		unreadable := event("b", `{"eventType":"NEW"}`, noon)
		unreadable.Unreadable = "why"
		w.Stored(5, unreadable)
		synctest.Wait()
		got := fmt.Sprintf("%+v", w.Report())
		want := fmt.Sprintf("%+v", Report{
			Names: []Name{
				{KindEventType, "VEHICLE_GONE", 1, noon, noon},
				{KindField, "wings", 2, noon, noon.Add(time.Second)},
			},
			Counts: []Count{{"a", KindField, 2}, {"b", KindEventType, 1}},
		})
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
		w.Stored(6, event("a", field1("late"), noon)) // nobody looks any more
	})
}

// Of a source only so many are examined in a second, and of another source as many.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		w.Opened(nil)
		for i := range 300 {
			for _, source := range []string{"a", "b"} {
				w.Stored(1, event(source, field1("x"), noon.Add(time.Duration(i)*10*time.Millisecond)))
				synctest.Wait()
			}
		}
		for _, c := range w.Report().Counts {
			if c.Events != 3*PerSecond {
				t.Errorf("%+v, want %d events", c, 3*PerSecond)
			}
		}
		_ = w.Close(context.Background())
	})
}

// Whatever comes, memory is bounded.
func TestBounds(t *testing.T) {
	w := New() // nobody takes from the queue
	large := field1("x") + strings.Repeat(" ", 100<<10)
	for i := range 1000 {
		w.Stored(1, event(fmt.Sprint("source", i), large, noon))
	}
	if w.bytes > queuedBytes || len(w.queue) == 0 {
		t.Errorf("%d bytes wait in %d events", w.bytes, len(w.queue))
	}
	for i := range 100_000 {
		w.Stored(1, event(fmt.Sprint("other", i), field1("x"), noon))
	}
	w.Stored(1, event("b", field1("x")+strings.Repeat(" ", longestBody), noon))
	if len(w.queue) > queued || len(w.pace) > mostSources {
		t.Errorf("%d events wait, of %d sources", len(w.queue), len(w.pace))
	}
	for i := range 100_000 {
		name := string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + string(rune('a'+i/17576))
		w.note("a", noon, []finding{{KindField, name}})
	}
	if r := w.Report(); len(r.Names) != mostNames || r.Left != 100_000-mostNames {
		t.Errorf("%d names, %d left", len(r.Names), r.Left)
	}
	_ = w.Close(context.Background())
}

func BenchmarkStored(b *testing.B) {
	w := New()
	e := event("a", string(smartcar.Sample{Size: 2048}.VehicleState()), noon)
	for b.Loop() {
		w.Stored(1, e)
	}
}
