package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestKnows(t *testing.T) {
	r := newRig(t, time.Second)
	if r.e.ClockJump() != (buffer.ClockJump{}) {
		t.Error("a jump, and the buffer is not open")
	}
	if _, err := r.e.Append(t.Context(), &buffer.Event{Source: "a", ID: "1", Type: "T", ReceivedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		source, id string
		want       bool
	}{{"a", "1", true}, {"a", "2", false}, {"b", "1", false}} {
		if known, err := r.e.Knows(t.Context(), tc.source, tc.id); err != nil || known != tc.want {
			t.Errorf("%s of %s: %v, %v", tc.id, tc.source, known, err)
		}
	}
	if err := r.e.Destruct(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.e.Knows(t.Context(), "a", "1"); !errors.Is(err, buffer.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestClockJumpIsTheBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newAliveRig(t, nil)
		r.buffer.set(func() { r.buffer.jump = -time.Hour })
		if by := r.e.ClockJump().By; by != 0 {
			t.Errorf("%v before the buffer is open", by)
		}
		if err := r.e.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if by := r.e.ClockJump().By; by != -time.Hour {
			t.Errorf("%v", by)
		}
		r.stop()
	})
}
