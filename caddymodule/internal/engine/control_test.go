package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestPauseHolds(t *testing.T) {
	t.Parallel()
	plain := handler("h", "")
	for _, tt := range []struct {
		name string
		over func(*rig)
	}{
		{"while nothing else happens", func(*rig) {}},
		{"over a restart", func(r *rig) {
			r.restart()
			r.apply("two", r.defs(plain))
		}},
		{"over a reload", func(r *rig) { r.apply("two", r.defs(plain+handler("other", ""))) }},
		{"over a change of the handler", func(r *rig) { r.apply("two", r.defs(handler("h", `pause = "1ms"`))) }},
		{"over a removal", func(r *rig) {
			r.apply("two", r.defs(handler("other", "")))
			r.apply("three", r.defs(plain))
		}},
		{"over a config that is taken back", func(r *rig) {
			r.apply("two", r.defs(handler("h", `pause = "1ms"`)))
			r.e.Release(context.Background(), "two")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 4*time.Second)
			r.apply("one", r.defs(plain))
			r.append("v:1")
			r.settled("h")
			if err := r.e.Pause(context.Background(), "h"); err != nil {
				t.Fatal(err)
			}
			tt.over(r)
			r.append("v:2")
			r.eventually("the event is in memory and the plugin up", func() bool {
				s := r.status("h")
				return s.Dispatch.InMemory == 1 && s.Dispatch.Up
			})
			if s := r.status("h"); s.PausedSince.IsZero() || !s.Dispatch.Paused || s.Waiting != 1 || s.Oldest.IsZero() {
				t.Errorf("status %+v", s)
			}
			if got := r.events("h"); got != "v:1" {
				t.Errorf("the paused handler got %q", got)
			}
			if err := r.e.Resume(context.Background(), "h"); err != nil {
				t.Fatal(err)
			}
			r.settled("h")
			if got := r.events("h"); got != "v:1 v:2" {
				t.Errorf("after the resume the handler had %q", got)
			}
			if s := r.status("h"); !s.PausedSince.IsZero() || s.Dispatch.Paused || s.Waiting != 0 || !s.Oldest.IsZero() {
				t.Errorf("status after the resume %+v", s)
			}
		})
	}
}

func TestDrainWaitsForWhatIsInFlight(t *testing.T) {
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("h", "gate = \""+r.dir+"/gate\"")))
	r.append("v:1")
	r.eventually("the event is in flight", func() bool { return r.status("h").Dispatch.InFlight == 1 })

	short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := r.e.Drain(short, "h"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stays paused") {
		t.Errorf("a drain with little time: %v", err)
	}
	r.append("w:2")
	drained := make(chan error, 1)
	go func() { drained <- r.e.Drain(context.Background(), "h") }()
	r.eventually("the other event is in memory", func() bool { return r.status("h").Dispatch.InMemory == 2 })
	select {
	case err := <-drained:
		t.Fatalf("the drain did not wait: %v", err)
	default:
	}
	r.touch("gate")
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
	if got, s := r.events("h"), r.status("h"); got != "v:1" || s.Dispatch.InFlight != 0 || s.Waiting != 1 {
		t.Errorf("after the drain the handler had %q, status %+v", got, s)
	}
	if err := r.e.Resume(context.Background(), "h"); err != nil {
		t.Fatal(err)
	}
	r.settled("h")
}

// A handler that is replaced while it drains has drained when its successor has.
func TestDrainOverAReload(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		limit  time.Duration
		opened bool
		want   string // what is delivered
	}{
		{"the delivery ends", 10 * time.Second, true, "v:1"},
		{"the delivery is cut off", 100 * time.Millisecond, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.limit)
			gate := "gate = \"" + r.dir + "/gate\"\n"
			r.apply("one", r.defs(handler("h", gate)))
			r.append("v:1")
			r.eventually("the event is in flight", func() bool { return r.status("h").Dispatch.InFlight == 1 })
			drained, applied := make(chan error, 1), make(chan error, 1)
			go func() { drained <- r.e.Drain(context.Background(), "h") }()
			r.eventually("the drain has paused the handler", func() bool { return r.status("h").Dispatch.Paused })
			defs := r.defs(handler("h", gate+`pause = "1ms"`))
			go func() { applied <- r.e.Apply(context.Background(), "two", defs) }()
			r.eventually("the handover is under way", func() bool {
				now, err := r.e.runner("h")
				return err == nil && now.def.Fingerprint == defs[0].Fingerprint
			})
			r.append("v:2")
			if tt.opened {
				r.touch("gate")
			}
			if err := errors.Join(<-applied, <-drained); err != nil {
				t.Error(err)
			}
			if got := r.events("h"); got != tt.want {
				t.Errorf("the drained handler got %q", got)
			}
		})
	}
}

func TestWhatCannotBeControlled(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	if err := r.e.Pause(ctx, "h"); !errors.Is(err, buffer.ErrNotFound) || !strings.Contains(err.Error(), "none is configured") {
		t.Errorf("pause without handlers: %v", err)
	}
	r.apply("one", r.defs(handler("h", "")+handler("i", "")))
	for _, tt := range []struct {
		name string
		do   func() error
		is   error
		want string
	}{
		{"pause", func() error { return r.e.Pause(ctx, "g") }, buffer.ErrNotFound, `no handler "g"; there are h, i`},
		{"resume", func() error { return r.e.Resume(ctx, "g") }, buffer.ErrNotFound, `there are h, i`},
		{"drain", func() error { return r.e.Drain(ctx, "g") }, buffer.ErrNotFound, `there are h, i`},
		{"forget one in force", func() error { return r.e.Forget(ctx, "h") }, buffer.ErrInUse, "remove it from the handlers file first"},
		{"forget an unknown one", func() error { return r.e.Forget(ctx, "g") }, buffer.ErrNotFound, `no handler "g" was removed`},
	} {
		if err := tt.do(); !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestRemovedHandlerIsKeptUntilItIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(handler("h", "")+handler("gone", "")))
	if err := r.e.Pause(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	r.append("v:1", "v:2")
	r.settled("h")
	// Retention is 7 days, and so is the time that a removed handler's events are kept.
	r.ahead.Add(int64(6 * 24 * time.Hour))
	r.apply("two", r.defs(handler("h", "")))
	r.e.Release(ctx, "one")
	r.ahead.Add(int64(2 * 24 * time.Hour))

	s := r.e.Status(ctx)
	if len(s.Handlers) != 1 || len(s.Removed) != 1 || s.Incomplete != nil {
		t.Fatalf("status %+v", s)
	}
	if gone := s.Removed[0]; gone.Name != "gone" || gone.Pending != 2 || gone.Open || gone.OrphanedSince.IsZero() || gone.Oldest.IsZero() {
		t.Errorf("the removed handler is %+v", gone)
	}
	if err := r.e.Forget(ctx, "other"); !errors.Is(err, buffer.ErrNotFound) || !strings.Contains(err.Error(), `those that were: gone`) {
		t.Errorf("forgetting an unknown handler: %v", err)
	}
	if err := r.e.Forget(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	if s := r.e.Status(ctx); len(s.Removed) != 0 {
		t.Errorf("after it was forgotten there is %+v", s.Removed)
	}
	r.sweep(0)
	r.eventually("the events are gone", func() bool {
		_, _, err := r.e.Event(ctx, 1)
		return errors.Is(err, buffer.ErrNotFound)
	})
}

func TestHandlersInForceAreNoOrphans(t *testing.T) {
	t.Parallel()
	orphans := func(r *rig) string {
		b, err := r.e.store.get(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		infos, err := b.Consumers(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, info := range infos {
			if !info.OrphanedSince.IsZero() {
				names = append(names, info.Name)
			}
		}
		return strings.Join(names, " ")
	}
	r := newRig(t, 4*time.Second)
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"the first start", func() { r.apply("one", r.defs(handler("a", "")+handler("b", ""))) }, ""},
		{"a reload without b", func() { r.apply("two", r.defs(handler("a", ""))) }, "b"},
		{"that reload is taken back", func() { r.e.Release(context.Background(), "two") }, ""},
		{"a reload that is refused", func() {
			if err := r.e.Apply(context.Background(), "bad", r.defs(handler("c", "broke = true"))); err == nil {
				t.Error("it was not refused")
			}
		}, ""},
		{"the end of Caddy", func() { r.e.Release(context.Background(), "one") }, ""},
		{"the next start", func() {
			r.restart()
			r.apply("three", r.defs(handler("b", "")))
		}, "a"},
		{"a config that has no handlers on purpose", func() { r.apply("four", nil) }, "a b"},
		{"both are back", func() { r.apply("five", r.defs(handler("a", "")+handler("b", ""))) }, ""},
	} {
		step.do()
		if got := orphans(r); got != step.want {
			t.Errorf("after %s the orphans are %q, want %q", step.name, got, step.want)
		}
	}
}

func TestStartOfNewHandlers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("old", "")))
	r.append("v:1")
	r.ahead.Add(int64(time.Hour))
	r.append("v:2")
	between := time.Now().Add(90 * time.Minute).UTC().Format(time.RFC3339)
	r.ahead.Add(int64(time.Hour))
	r.append("v:3")
	starting := func(name, from string) string {
		return strings.Replace(handler(name, ""), "{\n", "{\n  start = \""+from+"\"\n", 1)
	}
	r.apply("two", r.defs(handler("old", "")+handler("new", "")+starting("now", "now")+
		starting("beginning", "beginning")+starting("at", between)))
	r.append("v:4")
	for name, want := range map[string]string{
		"old": "v:1 v:2 v:3 v:4", "new": "v:4", "now": "v:4", "beginning": "v:1 v:2 v:3 v:4", "at": "v:3 v:4",
	} {
		r.settled(name)
		if got := r.events(name); got != want {
			t.Errorf("%s got %q, want %q", name, got, want)
		}
	}
	// For a handler that is there the attribute means nothing any more.
	same := r.pid("old")
	r.apply("three", r.defs(starting("old", "beginning")))
	r.append("v:5")
	r.settled("old")
	if got := r.events("old"); got != "v:1 v:2 v:3 v:4 v:5" || r.pid("old") != same {
		t.Errorf("the old one got %q", got)
	}
}
