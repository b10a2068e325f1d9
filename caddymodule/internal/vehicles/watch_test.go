package vehicles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const (
	state  = smartcar.TypeVehicleState
	failed = smartcar.TypeVehicleError
)

func TestWhatIsKnownOfAVehicle(t *testing.T) {
	r := newRig(t)
	r.settle()
	first := r.now()
	r.store("car", state, nil)
	r.pass(time.Hour)
	told1 := r.now()
	r.store("car", failed, vehicleError(
		told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR", "REAUTHENTICATE"),
		told("NEW_TYPE", "anna@example.org", "ERROR", "call 555 1234")))
	r.pass(time.Hour)
	told2 := r.now()
	r.store("car", failed, vehicleError(told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR", "CONTACT_SUPPORT")))
	r.pass(time.Hour)
	r.store("car", "VEHICLE_DISCONNECTED", []byte(`{}`))
	other := r.now()

	want := Vehicle{
		Source: "production", ID: "car", LastState: first, LastError: told2, LastOther: other,
		NewestReading: first.Add(-10 * time.Second),
		Open: []OpenError{
			{"CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "CONTACT_SUPPORT", told1, told2},
			{"NEW_TYPE", "other", "other", told1, told1},
		},
	}
	check := func(when string) {
		t.Helper()
		got := r.vehicle("car")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	check("at once")
	r.settle()
	check("written")
	r.restart()
	check("after a restart")
	if n := r.Summary().Behind; n != 0 {
		t.Errorf("%d events were read again after a restart", n)
	}

	r.store("car", failed, vehicleError(told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "RESOLVED", "")))
	want.LastError = r.now()
	want.Open = want.Open[1:]
	check("after RESOLVED")
	if last := want.LastEvent(); !last.Equal(r.now()) {
		t.Errorf("last event %s", last)
	}
}

// A time of long ago, as a late retry or events that are recovered bring, does not hide what is newer.
func TestOutOfOrder(t *testing.T) {
	r := newRig(t)
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	for _, e := range []struct {
		at    time.Time
		state string
	}{{at(30), "RESOLVED"}, {at(10), "ERROR"}} {
		r.appendOf("production", "car", failed, vehicleError(told("PERMISSION", "", e.state, "")), e.at)
	}
	r.appendOf("production", "car", state, smartcar.Sample{RecordedAt: at(29)}.VehicleState(), at(30))
	r.appendOf("production", "car", state, smartcar.Sample{RecordedAt: at(3)}.VehicleState(), at(9))
	r.settle()
	v := r.vehicle("car")
	if !v.LastState.Equal(at(30)) || !v.NewestReading.Equal(at(29)) || len(v.Open) != 0 {
		t.Errorf("%+v", v)
	}
}

// A hundred thousand vehicles and types at once take no more memory than is said, and none is lost.
func TestManyAtOnceAreBounded(t *testing.T) {
	r := newRig(t)
	r.settle()
	const many = 100_000
	body := []byte(`{"eventType":"X"}`)
	e := r.event("production", "", "", body, r.now())
	last := r.buffer.Stats().Last
	for i := range uint64(many) {
		e.VehicleID, e.Type = fmt.Sprintf("car-%d", i), fmt.Sprintf("TYPE_%d", i)
		if i%2 == 0 {
			e.Type = failed
		}
		r.Stored(last+1+i, e)
		if n := len(r.notes.changed); n > mostChanged {
			t.Fatalf("%d vehicles are noted in memory", n)
		}
		if n := r.notes.bytes; n > mostBodies {
			t.Fatalf("%d bytes of errors are noted in memory", n)
		}
	}
	if n := len(r.notes.index); n != mostChanged {
		t.Errorf("%d vehicles are noted in memory, want %d", n, mostChanged)
	}
	for _, bad := range []string{strings.Repeat("x", 1000), ""} {
		e.VehicleID = bad
		e.Type = state
		r.Stored(last+many+1, e)
	}
	r.step()
	r.step()
	if n := len(r.tally.snapshot()); n > 1 {
		t.Errorf("%d kinds of errors are counted", n)
	}
}

// Counting errors is bounded by what is documented, and exact over drops.
func TestErrorsAreCounted(t *testing.T) {
	r := newRig(t)
	r.settle()
	r.store("car", failed, vehicleError(
		told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR", ""),
		told("CONNECTED_SERVICES_ACCOUNT", "NEW_CODE", "RESOLVED", ""),
		`{"type":"PERMISSION","code":null,"state":"ERROR"}`))
	r.append("car", failed, vehicleError(told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR", "")))
	for i := range 100 {
		r.store("car", failed, vehicleError(told(fmt.Sprint("TYPE_", i), "X", fmt.Sprint("STATE_", i), "")))
	}
	r.settle()
	want := []ToldCount{
		{Told{"production", "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "ERROR"}, 2},
		{Told{"production", "CONNECTED_SERVICES_ACCOUNT", "other", "RESOLVED"}, 1},
		{Told{"production", "PERMISSION", "", "ERROR"}, 1},
		{Told{"production", "other", "other", "other"}, 100},
	}
	if diff := cmp.Diff(want, r.Summary().Told); diff != "" {
		t.Error(diff)
	}
	r.restart()
	if told := r.Summary().Told; len(told) != 0 {
		t.Errorf("a restart counts again what was counted: %v", told)
	}
}

func TestList(t *testing.T) {
	r := newRig(t)
	r.settle()
	for i := range 5 {
		r.appendOf("a", fmt.Sprint("car", i), state, nil, r.now())
	}
	r.appendOf("b", "car1", failed, smartcar.Sample{}.VehicleError(), r.now())
	r.pass(25 * time.Hour)
	r.appendOf("b", "car9", state, nil, r.now())
	r.settle()
	for _, test := range []struct {
		name string
		q    Query
		want string
	}{
		{"all", Query{}, "car0 car1 car2 car3 car4 car1 car9"},
		{"of a source", Query{Source: "b"}, "car1 car9"},
		{"of no source", Query{Source: "c"}, ""},
		{"silent", Query{SilentFor: 24 * time.Hour, Source: "b"}, "car1"},
		{"silent for longer", Query{SilentFor: 48 * time.Hour}, ""},
		{"in error", Query{InError: true}, "car1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(r.list(test.q), " "); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			test.q.Limit = 2
			var got []string
			for range 10 {
				page, err := r.List(context.Background(), test.q)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range page.Vehicles {
					got = append(got, v.ID)
				}
				if test.q.After = page.Next; page.Next == "" {
					break
				}
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("in pages: %q, want %q", got, test.want)
			}
		})
	}
	page, err := r.Find(context.Background(), "car1")
	if err != nil || len(page.Vehicles) != 2 || page.Vehicles[0].Source != "a" || page.Vehicles[1].Source != "b" {
		t.Errorf("%+v %v", page, err)
	}
}

// The watch as it runs: by itself, and within its time.
func TestByItself(t *testing.T) {
	dir := t.TempDir()
	b := openBuffer(t, dir)
	defer b.Close()
	w := New(dir, slog.New(slog.DiscardHandler))
	if _, err := w.List(context.Background(), Query{Limit: 1}); !errors.Is(err, ErrNotReady) {
		t.Errorf("before the buffer is open: %v", err)
	}
	w.Opened(b)
	e := &buffer.Event{Source: "a", ID: "1", Type: state, VehicleID: "car", ReceivedAt: time.Now(), Body: []byte(`{}`)}
	receipt, err := b.Append(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	w.Stored(receipt.Position, e)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for w.Summary().State != StateKept && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	page, err := w.Find(ctx, "car")
	if err != nil || len(page.Vehicles) != 1 {
		t.Errorf("%+v %v", page, err)
	}
	if err := w.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := w.Find(ctx, "car"); !errors.Is(err, ErrNotReady) {
		t.Errorf("after Close: %v", err)
	}
	w.Stored(2, e)
}

// A watch of a buffer that never opened ends too.
func TestCloseWithoutABuffer(t *testing.T) {
	w := New(t.TempDir(), slog.New(slog.DiscardHandler))
	if err := w.Close(context.Background()); err != nil {
		t.Error(err)
	}
	w.Opened(nil) // too late
}

// Closing does not wait for a disk that hangs.
func TestCloseInTime(t *testing.T) {
	r := newRig(t)
	r.settle()
	if err := r.turn.lock(context.Background()); err != nil { // as while a write hangs
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	r.turn.unlock()
}
