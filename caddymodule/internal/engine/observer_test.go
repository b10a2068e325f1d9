package engine

import (
	"context"
	"slices"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// observed notes what an observer hears.
type observed struct {
	buffer buffer.Buffer
	ids    []string
	// openAtClose: the buffer could still be read.
	openAtClose, closed bool
}

func (o *observed) Opened(b buffer.Buffer) { o.buffer = b }

func (o *observed) Stored(position uint64, e *buffer.Event) {
	if found, err := o.buffer.Event(context.Background(), position); err == nil && found.ID == e.ID {
		o.ids = append(o.ids, e.ID)
	}
}

func (o *observed) Close(context.Context) error {
	o.closed = true
	_, err := o.buffer.Event(context.Background(), 1)
	o.openAtClose = err == nil
	return nil
}

// An observer hears of each new event once, with its position, and ends before the buffer does.
func TestObserver(t *testing.T) {
	r := newRig(t, 0)
	o := new(observed)
	r.e.opts.ObserveEvents, r.e.store.observer = o, o
	for _, id := range []string{"1", "2", "1"} {
		e := buffer.Event{Source: "s", ID: id, Body: []byte(`{}`)}
		if _, err := r.e.Append(context.Background(), &e); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"1", "2"}; !slices.Equal(o.ids, want) {
		t.Errorf("it heard of %v, want %v", o.ids, want)
	}
	if err := r.e.Destruct(); err != nil {
		t.Error(err)
	}
	if !o.closed || !o.openAtClose {
		t.Errorf("closed %t, with the buffer open %t", o.closed, o.openAtClose)
	}
}
