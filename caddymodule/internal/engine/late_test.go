package engine

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// lateRig is a rig in virtual time whose buffer opens once open says so, and whose handlers do nothing.
func lateRig(t *testing.T, open func() error) *rig {
	emptyPools()
	t.Cleanup(emptyPools)
	r := &rig{t: t, dir: t.TempDir(), log: new(logBuffer)}
	r.e = New(Options{
		Opener:    &diskOpener{options: disk.Options{Path: "/smartcar", FS: vfs.NewMem()}, fail: open},
		Bundled:   func(string) (string, []string, bool) { return "stuck", nil, true },
		NewPlugin: func(pluginhost.Spec) Plugin { return new(stuckPlugin) },
		Log:       slog.New(slog.NewTextHandler(r.log, nil)),
	})
	t.Cleanup(func() { _ = r.e.Destruct() })
	return r
}

func (r *rig) applyWhenOpen(owner any, mistake error, defs ...handlersfile.Definition) {
	r.t.Helper()
	if err := r.e.ApplyWhenOpen(context.Background(), owner, defs, mistake); err != nil {
		r.t.Fatalf("apply for %v: %v", owner, err)
	}
}

func (r *rig) open() {
	r.t.Helper()
	if err := r.e.Open(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// handlers returns the names of the handlers that Status knows, each with "-" where it is not at work.
func (r *rig) handlers() string {
	var names []string
	for _, h := range r.e.Status(context.Background()).Handlers {
		if h.Starting || !h.Plugin.Up {
			h.Name += "-"
		}
		names = append(names, h.Name)
	}
	return strings.Join(names, " ")
}

// A buffer that does not open is tried again by itself, each cause is logged once, and the handlers are put to work as
// soon as it is open.
func TestBufferThatOpensLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		r := lateRig(t, func() error {
			switch try := tries.Add(1); {
			case try <= 5:
				return errors.New("no such disk")
			case try <= 7:
				return errors.New("no permission")
			}
			return nil
		})
		begun := time.Now()
		r.applyWhenOpen("one", nil, r.defs(handler("h", ""))...)
		synctest.Wait()
		s := r.e.Status(t.Context())
		if s.Receiving != ReceivingFailed || !errors.Is(s.Error, ErrNotOpen) || !s.Since.Equal(begun) ||
			!s.NextTry.Equal(begun.Add(time.Second)) || r.handlers() != "h-" || !r.e.AwaitsBuffer() {
			t.Errorf("status %+v, handlers %q", s, r.handlers())
		}
		time.Sleep(6500 * time.Millisecond)
		synctest.Wait()
		s = r.e.Status(t.Context())
		if tries.Load() != 7 || !s.Since.Equal(begun) || !strings.Contains(s.Error.Error(), "no permission") {
			t.Errorf("after %d tries: %+v", tries.Load(), s)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		s = r.e.Status(t.Context())
		if s.Receiving != ReceivingOpen || !s.Since.IsZero() || r.handlers() != "h" || r.e.AwaitsBuffer() {
			t.Errorf("status %+v, handlers %q", s, r.handlers())
		}
		r.append("v:1")
		synctest.Wait()
		if got := r.status("h").Dispatch.InFlight; got != 1 {
			t.Errorf("%d events in flight, want 1", got)
		}
		if n := strings.Count(r.log.String(), "the buffer does not open"); n != 2 {
			t.Errorf("%d log lines for two causes:\n%s", n, r.log)
		}
		if !strings.Contains(r.log.String(), "do=") || !strings.Contains(r.log.String(), "the buffer is open now") {
			t.Errorf("log:\n%s", r.log)
		}
	})
}

// While the buffer opens, that is what the status says, whoever waits for it.
func TestStatusWhileTheBufferOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		r := lateRig(t, func() error { <-goOn; return nil })
		begun := time.Now()
		r.applyWhenOpen("one", nil, r.defs(handler("h", ""))...)
		time.Sleep(time.Minute)
		s := r.e.Status(t.Context())
		if s.Receiving != ReceivingOpening || !s.Since.Equal(begun) || !s.NextTry.IsZero() || s.Error != nil {
			t.Errorf("status %+v", s)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.e.Append(ctx, &buffer.Event{Source: "s", ID: "1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("append: %v", err)
		}
		close(goOn)
		synctest.Wait()
		if s := r.e.Status(t.Context()); s.Receiving != ReceivingOpen || r.handlers() != "h" {
			t.Errorf("status %+v, handlers %q", s, r.handlers())
		}
	})
}

// The newest config counts when the buffer opens, and one that was taken back does not.
func TestConfigsThatWaitForTheBuffer(t *testing.T) {
	for name, tt := range map[string]struct {
		then func(r *rig)
		want string
	}{
		"a reload": {func(r *rig) {
			r.applyWhenOpen("two", nil, r.defs(handler("b", ""))...)
			r.e.Release(r.t.Context(), "one")
		}, "b"},
		"a reload that is taken back": {func(r *rig) {
			r.applyWhenOpen("two", nil, r.defs(handler("b", ""))...)
			r.e.Release(r.t.Context(), "two")
		}, "a"},
		"a reload that is under way": {func(r *rig) { r.applyWhenOpen("two", nil, r.defs(handler("b", ""))...) }, "b"},
		"the end":                    {func(r *rig) { r.e.Release(r.t.Context(), "one") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var well atomic.Bool
				r := lateRig(t, func() error {
					if well.Load() {
						return nil
					}
					return errors.New("no such disk")
				})
				r.applyWhenOpen("one", nil, r.defs(handler("a", ""))...)
				tt.then(r)
				well.Store(true)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if got := r.handlers(); got != tt.want {
					t.Errorf("handlers %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// A reload that comes in the moment in which the buffer has opened is a reload: what waited is in force before it.
func TestReloadWhenTheBufferHasJustOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var well atomic.Bool
		r := lateRig(t, func() error {
			if well.Load() {
				return nil
			}
			return errors.New("no such disk")
		})
		r.applyWhenOpen("one", nil, r.defs(handler("a", ""))...)
		well.Store(true)
		time.Sleep(999 * time.Millisecond)
		<-time.After(time.Millisecond) // the next try and this reload, in any order
		for r.e.Open(t.Context()) != nil {
			time.Sleep(time.Millisecond)
		}
		wrong := []handlersfile.Definition{handlersfile.Mistaken("b", errors.New("wrong"))}
		if err := r.e.Apply(t.Context(), "two", wrong); err == nil {
			t.Error("a handler that does not start was taken by a reload")
		}
		if got := r.handlers(); got != "a" {
			t.Errorf("handlers %q, want a", got)
		}
		r.apply("three", r.defs(handler("c", "")))
		if got := r.handlers(); got != "c" {
			t.Errorf("handlers %q, want c", got)
		}
		r.e.Release(t.Context(), "three")
		if got := r.handlers(); got != "a" {
			t.Errorf("handlers %q after the reload was taken back, want a", got)
		}
	})
}

// The end does not wait for a buffer that never opens.
func TestEndWithoutABuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lateRig(t, func() error { return errors.New("no such disk") })
		r.applyWhenOpen("one", nil)
		time.Sleep(time.Hour)
		r.e.Release(t.Context(), "one")
		begun := time.Now()
		if err := r.e.Destruct(); err != nil || time.Since(begun) > time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		if err := r.e.ApplyWhenOpen(t.Context(), "two", nil, nil); !errors.Is(err, buffer.ErrClosed) {
			t.Errorf("apply after the end: %v", err)
		}
	})
}

// Where it is not known which handlers the files mean, those that the buffer knows are down, and nobody lets go of what
// waits for them, until a config without the mistake comes.
func TestMistakeOfNoSingleHandler(t *testing.T) {
	r := newRig(t, time.Second)
	r.apply("before", r.defs(handler("a", "")+handler("gone", "")))
	r.apply("then", r.defs(handler("a", "")))
	r.e.Release(context.Background(), "before")
	r.restart()

	mistake := errors.New("handlers.hcl:1,1-2: Unclosed block")
	r.open()
	r.applyWhenOpen("one", mistake)
	s := r.e.Status(t.Context())
	if len(s.Handlers) != 1 || s.Handlers[0].Name != "a" || !s.Handlers[0].Mistaken || s.Handlers[0].Place != "" ||
		s.Handlers[0].Plugin.LastError != mistake.Error() || s.Mistake == nil || len(s.Removed) != 1 {
		t.Fatalf("status %+v", s)
	}
	r.append("v:1")
	r.sweep(30 * 24 * time.Hour)
	if h := r.status("a"); h.Waiting != 1 {
		t.Errorf("%d events wait, want 1", h.Waiting)
	}
	wrong := []handlersfile.Definition{handlersfile.Mistaken("a", errors.New("another"))}
	if err := r.e.Apply(t.Context(), "refused", wrong); err == nil {
		t.Error("a reload with a mistake was taken")
	}
	r.apply("two", r.defs(handler("a", "")))
	r.settled("a")
	if s := r.e.Status(t.Context()); r.events("a") != "v:1" || s.Mistake != nil || s.Handlers[0].Mistaken {
		t.Errorf("delivered %q, status %+v", r.events("a"), s)
	}
	r.e.Release(context.Background(), "two") // taken back
	if s := r.e.Status(t.Context()); s.Mistake == nil || r.handlers() != "a-" {
		t.Errorf("status %+v", s)
	}
}

// A handler with a mistake is down; the others work.
func TestHandlerWithAMistake(t *testing.T) {
	r := newRig(t, time.Second)
	defs := r.defs(handler("right", "") + handler("wrong", ""))
	r.open()
	r.applyWhenOpen("one", nil, defs[0], defs[1].WithMistake(errors.New("handlers.hcl:9,1-2: Unknown order")))
	r.append("v:1")
	r.settled("right")
	h := r.status("wrong")
	if r.events("right") != "v:1" || h.Waiting != 1 || !h.Mistaken || h.Plugin.Up || h.Place == "" {
		t.Errorf("delivered %q, status %+v", r.events("right"), h)
	}
	err := r.e.Restart(t.Context(), "wrong")
	if err == nil || !strings.Contains(err.Error(), "mend its mistake and reload") {
		t.Errorf("restart: %v", err)
	}
	pid := r.pid("right")
	r.apply("two", defs)
	r.settled("wrong")
	if r.events("wrong") != "v:1" || r.pid("right") != pid {
		t.Errorf("delivered %q; the process of the other is %d, was %d", r.events("wrong"), r.pid("right"), pid)
	}
}
