package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// mute opens a buffer that opens and does not say which handlers it knows, as long as fails returns an error.
type mute struct {
	*diskOpener
	fails func() error
}

func (o *mute) Open(ctx context.Context, host buffer.Host) (buffer.Buffer, error) {
	b, err := o.diskOpener.Open(ctx, host)
	if err != nil {
		return nil, err
	}
	return &muteBuffer{Buffer: b, fails: o.fails}, nil
}

type muteBuffer struct {
	buffer.Buffer
	fails func() error
}

func (b *muteBuffer) Roster(ctx context.Context) (buffer.Roster, error) {
	if err := b.fails(); err != nil {
		return buffer.Roster{}, err
	}
	return b.Buffer.Roster(ctx)
}

// muteRig is a lateRig over such a buffer.
func muteRig(t *testing.T, fails func() error) *rig {
	r := lateRig(t, nil)
	r.e.store.opener = &mute{diskOpener: r.e.store.opener.(*diskOpener), fails: fails}
	return r
}

const notAtWork = "could not put the handlers to work"

// An open buffer that does not say which handlers there were is asked again, and each cause is logged once.
func TestBufferThatOpensAndFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		r := muteRig(t, func() error {
			switch tries++; {
			case tries <= 3:
				return errors.New("no answer")
			case tries <= 5:
				return errors.New("another cause")
			}
			return nil
		})
		r.applyWhenOpen("one", nil, r.defs(handler("h", ""))...)
		time.Sleep(4500 * time.Millisecond)
		synctest.Wait()
		if n := strings.Count(r.log.String(), notAtWork); n != 2 || r.handlers() != "h-" || !r.e.AwaitsBuffer() {
			t.Errorf("handlers %q, %d log lines for two causes:\n%s", r.handlers(), n, r.log)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if r.handlers() != "h" || r.e.AwaitsBuffer() {
			t.Errorf("handlers %q, log:\n%s", r.handlers(), r.log)
		}
	})
}

// Of a buffer that has halted nothing is to be had in this process, so it is not asked again.
func TestBufferThatOpensAndHalts(t *testing.T) {
	for name, halts := range map[string]error{"halted": buffer.ErrHalted, "closed": buffer.ErrClosed} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				r := muteRig(t, func() error { tries++; return halts })
				r.applyWhenOpen("one", nil, r.defs(handler("h", ""))...)
				time.Sleep(3 * time.Second)
				synctest.Wait()
				was := tries
				time.Sleep(time.Hour)
				synctest.Wait()
				if tries != was || !r.e.AwaitsBuffer() || strings.Count(r.log.String(), notAtWork) != 1 {
					t.Errorf("asked %d times, then %d times, log:\n%s", was, tries-was, r.log)
				}
				if err := r.e.Destruct(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A reload is never put behind what waited for the buffer before it.
func TestReloadBeforeWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken error
		r := muteRig(t, func() error { return broken })
		broken = errors.New("no answer")
		r.applyWhenOpen("one", nil, r.defs(handler("a", ""))...)
		r.open()
		if err := r.e.Apply(t.Context(), "two", r.defs(handler("b", ""))); !errors.Is(err, broken) {
			t.Errorf("a reload was taken before what waits was in force: %v", err)
		}
		r.e.TakeBack(t.Context(), "two")
		synctest.Wait()
		broken = nil
		defs := r.defs(handler("c", ""))
		wrong := []handlersfile.Definition{handlersfile.Mistaken("c", errors.New("wrong"))}
		if err := r.e.Apply(t.Context(), "wrong", wrong); err == nil {
			t.Error("a handler that does not start was taken by a reload")
		}
		r.apply("three", defs)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := r.handlers(); got != "c" {
			t.Errorf("handlers %q, want those of the newest, c", got)
		}
		r.e.Release(t.Context(), "three")
		if got := r.handlers(); got != "a" {
			t.Errorf("handlers %q after the reload was taken back, want a", got)
		}
	})
}
