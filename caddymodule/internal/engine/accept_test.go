package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// choosy refuses what is there until it is accepted.
type choosy struct {
	diskOpener
	accepted bool
	err      error
	opened   int
}

func (o *choosy) Open(ctx context.Context, host buffer.Host) (buffer.Buffer, error) {
	o.opened++
	if !o.accepted {
		return nil, fmt.Errorf("opening buffer: %w", buffer.ErrOtherBuffer)
	}
	return o.diskOpener.Open(ctx, host)
}

func (o *choosy) Accept() error {
	o.accepted = o.err == nil
	return o.err
}

func TestAcceptBuffer(t *testing.T) {
	o := &choosy{diskOpener: diskOpener{options: disk.Options{Path: "buffer", FS: vfs.NewMem()}}}
	e := New(Options{Opener: o})
	event := &buffer.Event{Source: "test", ID: "a", Type: "VEHICLE_STATE", Body: []byte("{}")}
	if _, err := e.Append(t.Context(), event); !errors.Is(err, buffer.ErrOtherBuffer) || !errors.Is(err, ErrNotOpen) {
		t.Fatalf("got %v, want ErrOtherBuffer", err)
	}
	if s := e.Status(t.Context()); s.Receiving != ReceivingFailed || !errors.Is(s.Error, buffer.ErrOtherBuffer) {
		t.Errorf("status %+v", s)
	}
	o.err = errors.New("the record cannot be removed")
	if err := e.AcceptBuffer(t.Context()); !errors.Is(err, o.err) {
		t.Errorf("got %v, want why it cannot be accepted", err)
	}
	o.err = nil
	// At once, not when the second after the failed attempt is over.
	if err := e.AcceptBuffer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Append(t.Context(), event); err != nil {
		t.Errorf("after it was accepted: %v", err)
	}
	err := e.AcceptBuffer(t.Context())
	if nothing, ok := errors.AsType[*NothingToAcceptError](err); !ok || nothing.Key != "buffer" {
		t.Errorf("once more: got %v, want a NothingToAcceptError", err)
	}
	if err := e.Destruct(); err != nil {
		t.Error(err)
	}
}

// What was there and comes back is opened by itself within a second, and nothing needs to be accepted.
func TestOtherBufferIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &choosy{diskOpener: diskOpener{options: disk.Options{Path: "buffer", FS: vfs.NewMem()}}}
		e := New(Options{Opener: o})
		if err := e.Open(t.Context()); !errors.Is(err, buffer.ErrOtherBuffer) {
			t.Fatal(err)
		}
		o.accepted = true // put back
		if err := e.Open(t.Context()); err == nil || o.opened != 1 {
			t.Fatalf("tried %d times within a second, %v", o.opened, err)
		}
		time.Sleep(reopenAfter)
		if err := e.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.Destruct(); err != nil {
			t.Error(err)
		}
	})
}

// A buffer that does not open for another reason is not what can be accepted.
func TestAcceptBufferThatDoesNotOpen(t *testing.T) {
	broken := errors.New("the disk is away")
	e := New(Options{Opener: &diskOpener{fail: func() error { return broken }}})
	if err := e.AcceptBuffer(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v, want why it does not open", err)
	}
	if err := e.Destruct(); err != nil {
		t.Error(err)
	}
}
