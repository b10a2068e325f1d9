package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// fullBuffer takes no events.
type fullBuffer struct{ buffer.Buffer }

func (fullBuffer) Append(context.Context, *buffer.Event) (buffer.Receipt, error) {
	return buffer.Receipt{}, buffer.ErrFull
}

// An unreadable event that can be read now is stored as a new one before its dead letter
// goes: where that fails, the letter is still there.
func TestRereadThatFailsKeepsTheLetter(t *testing.T) {
	r := newRig(t, time.Second)
	ctx := context.Background()
	r.apply("one", nil)
	body := []byte(`{"eventId":"v:1","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"v"}}}`)
	if _, err := r.e.Append(ctx, &buffer.Event{Source: "test", ID: "digest", Unreadable: "unknown form", Body: body, ReceivedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	b, err := r.e.store.get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.e.reread(ctx, fullBuffer{b}, &Filter{}); !errors.Is(err, buffer.ErrFull) {
		t.Errorf("the error is %v", err)
	}
	page, err := r.e.DeadLetters(ctx, Filter{}, "", 0)
	if err != nil || len(page.DeadLetters) != 1 || string(page.DeadLetters[0].Event.Body) != string(body) {
		t.Errorf("left is %+v, %v", page.DeadLetters, err)
	}
	if done, err := r.e.reread(ctx, b, &Filter{}); err != nil || done.Readable != 1 {
		t.Errorf("the next attempt: %+v, %v", done, err)
	}
}

// Events in conflict with the stored one become events of their own, each once.
func TestRereadOfConflicts(t *testing.T) {
	r := newRig(t, time.Second)
	ctx := context.Background()
	r.apply("one", nil)
	for n, vehicle := range []string{"right", "other", "third"} {
		body := `{"eventId":"e","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"` + vehicle + `"}}}`
		e := &buffer.Event{Source: "test", ID: "e", VehicleID: vehicle, Digest: uint64(n), Body: []byte(body), ReceivedAt: time.Now()}
		if receipt, err := r.e.Append(ctx, e); err != nil || receipt.Kept != (n > 0) {
			t.Fatalf("%s: %+v, %v", vehicle, receipt, err)
		}
	}
	b, err := r.e.store.get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := r.e.reread(ctx, b, &Filter{Reason: buffer.ReasonConflict}); err != nil || done.Readable != 2 {
		t.Fatalf("got %+v, %v; want two that can be read", done, err)
	}
	var vehicles []string
	for e, err := range b.Events(ctx, buffer.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		vehicles = append(vehicles, e.VehicleID)
	}
	if !slices.Equal(vehicles, []string{"right", "other", "third"}) {
		t.Errorf("stored are events of %q", vehicles)
	}
	if left := r.countLetters(Filter{}); left.Total != 0 {
		t.Errorf("%d letters are left", left.Total)
	}
}
