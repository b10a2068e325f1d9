package engine

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// consumers are what the buffer has, by name.
func (r *rig) consumers() map[string]buffer.ConsumerInfo {
	r.t.Helper()
	b, err := r.e.store.get(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	infos, err := b.Consumers(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	all := map[string]buffer.ConsumerInfo{}
	for _, info := range infos {
		all[info.Name] = info
	}
	return all
}

// letters are the handlers of the dead letters, the oldest first.
func (r *rig) letters() string {
	r.t.Helper()
	b, err := r.e.store.get(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	var handlers []string
	for l, err := range b.DeadLetters(context.Background(), "") {
		if err != nil {
			r.t.Fatal(err)
		}
		handlers = append(handlers, l.Handler)
	}
	return strings.Join(handlers, " ")
}

func names[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), " ")
}

func TestTakenBackConfigLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	refuse := fmt.Sprintf("refuse = %q", filepath.Join(r.dir, "never"))
	r.apply(0, r.defs(handler("same", refuse)+handler("back", "")))
	r.append("v:0")
	r.settled("same")
	r.settled("back")
	r.apply(1, r.defs(handler("same", refuse)+handler("gone", "")))
	r.e.Release(ctx, 0) // the usual way
	before, lettersBefore := r.consumers(), r.letters()
	if got := names(before); got != "back gone same" || before["back"].OrphanedSince.IsZero() {
		t.Fatalf("before: %q, back %+v", got, before["back"])
	}

	for i := range 3 {
		r.ahead.Add(int64(time.Hour))
		r.apply(2, r.defs(handler("same", refuse)+handler("back", "")+handler("new", refuse)))
		r.append(fmt.Sprintf("v:%d", i+1))
		r.settled("new")
		r.settled("same")
		r.settled("back")
		r.e.TakeBack(ctx, 2)

		after := r.consumers()
		if got := names(after); got != "back gone same" {
			t.Fatalf("consumers %q", got)
		}
		for name, was := range before {
			if is := after[name]; is.OrphanedSince != was.OrphanedSince || is.LetGoAt != was.LetGoAt {
				t.Errorf("%s: an orphan since %v until %v, want %v and %v", name, is.OrphanedSince, is.LetGoAt,
					was.OrphanedSince, was.LetGoAt)
			}
		}
		lettersBefore += " same"
		if got := r.letters(); got != lettersBefore {
			t.Errorf("dead letters of %q, want %q", got, lettersBefore)
		}
		r.settled("gone") // has missed nothing
		if got, want := strings.Count(r.events("gone"), "v:"), i+1; got != want {
			t.Errorf("gone has had %q, want %d events", r.events("gone"), want)
		}
	}

	r.restart()
	r.apply(3, r.defs(handler("same", refuse)+handler("gone", "")))
	if s := r.e.Status(ctx); len(s.Removed) != 1 || s.Removed[0].Name != "back" {
		t.Errorf("after a restart %+v are removed, want back", s.Removed)
	}
}

// A first config that is refused must not be the one whose handlers get what is stored.
func TestTakenBackFirstConfigLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.append("v:0")
	r.apply("one", r.defs(handler("first", "")))
	r.settled("first")
	r.e.TakeBack(context.Background(), "one")
	if got := r.consumers(); len(got) != 0 {
		t.Fatalf("consumers %q", names(got))
	}
	r.restart()
	r.apply("two", r.defs(handler("second", "")))
	r.settled("second")
	if got := r.events("second"); got != "v:0" {
		t.Errorf("the handler of the next start has had %q, want what was stored", got)
	}
}

// What was in force stays at the end of Caddy, however new it is.
func TestReleasedConsumersStay(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("h", "")))
	r.e.Release(context.Background(), "one")
	if got := names(r.consumers()); got != "h" {
		t.Errorf("consumers %q", got)
	}
}

// A reload that the engine refuses leaves nothing either.
func TestRefusedApplyLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("h", "")))
	b, err := r.e.store.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Somebody has the position of the second one open, so it is refused when the first one has its own.
	c, err := b.Consumer(t.Context(), "taken")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.e.Apply(t.Context(), "two", r.defs(handler("h", "")+handler("new", "")+handler("taken", ""))); err == nil {
		t.Fatal("accepted")
	}
	if got := names(r.consumers()); got != "h taken" {
		t.Errorf("consumers %q", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// A crash before the config is taken back leaves consumers that the next start shows as removed.
func TestCrashBeforeTakeBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("h", "")))
	r.apply("two", r.defs(handler("h", "")+handler("new", "")))
	r.restart()
	r.apply("one again", r.defs(handler("h", "")))
	s := r.e.Status(t.Context())
	if len(s.Removed) != 1 || s.Removed[0].Name != "new" || s.Removed[0].LetGoAt.IsZero() {
		t.Errorf("removed are %+v, want new", s.Removed)
	}
}
