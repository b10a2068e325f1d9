package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestReloadKeepsUnchangedProcesses(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("same", "")+handler("changed", "")+handler("gone", "")))
	same, changed, gone := r.pid("same"), r.pid("changed"), r.pid("gone")

	r.apply("two", r.defs(handler("changed", `pause = "1ms"`)+"# moved\n"+handler("same", "")+handler("new", "")))
	r.e.Release(context.Background(), "one") // as Caddy does with the old config
	if got := r.pid("same"); got != same {
		t.Errorf("the unchanged handler's process is %d, was %d", got, same)
	}
	if got := r.pid("changed"); got == changed {
		t.Errorf("the changed handler has its old process")
	}
	if n := len(r.e.Status(context.Background()).Handlers); n != 3 || r.e.Status(context.Background()).Handlers[0].Name != "changed" {
		t.Errorf("handlers %+v", r.e.Status(context.Background()).Handlers)
	}
	if got := filepath.Base(r.status("same").Place); got != "handlers.hcl:11" {
		t.Errorf("the unchanged handler stands at %q", got)
	}
	r.eventually("old processes have ended", func() bool { return !alive(changed) && !alive(gone) })
	r.append("v:1")
	for _, name := range []string{"same", "changed", "new"} {
		r.settled(name)
	}
	if got := len(r.lines()); got != 3 {
		t.Errorf("%d deliveries, want 3: %v", got, r.lines())
	}
}

func TestWrongReloadIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"config refused by the plugin", handler("new", "") + handler("bad", "broke = true"), `handler "bad"`},
		{"changed handler does not open", handler("same", `unless = "/does/not/exist"`), "not there yet"},
		{"program that is not a plugin", `handler "bad" { plugin = "/bin/false" }`, `handler "bad"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 4*time.Second)
			r.apply("one", r.defs(handler("same", "")))
			same := r.pid("same")
			err := r.e.Apply(context.Background(), "two", r.defs(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "handlers.hcl:") {
				t.Errorf("error %v, want %q and a place", err, tt.want)
			}
			r.e.Release(context.Background(), "two") // Caddy's Cleanup
			if got := r.pid("same"); got != same {
				t.Errorf("the old handler's process is %d, was %d", got, same)
			}
			if n := len(r.e.Status(context.Background()).Handlers); n != 1 {
				t.Errorf("%d handlers", n)
			}
			r.append("v:1")
			r.settled("same")
			if lines := r.lines(); len(lines) != 1 || lines[0].pid != same {
				t.Errorf("deliveries %v", lines)
			}
		})
	}
}

// A process that does not heed being told to give up is ended before its successor gets
// the event that it has.
func TestTwoProcessesNeverHaveOneEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, 300*time.Millisecond)
	r.apply("one", r.defs(handler("h", `gate = "/does/not/exist"`)))
	old := r.pid("h")
	r.append("v:1")
	r.eventually("the event is in flight", func() bool { return r.status("h").Dispatch.InFlight == 1 })
	r.apply("two", r.defs(handler("h", "")))
	if alive(old) {
		t.Error("the old process is still there while the new one delivers")
	}
	r.settled("h")
	if lines := r.lines(); len(lines) != 1 || lines[0].pid == old {
		t.Errorf("deliveries %v", lines)
	}
}

func TestReleaseOfTheNewestGoesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	r.apply("one", r.defs(handler("same", "")+handler("changed", "")+handler("gone", "")))
	same := r.pid("same")
	r.apply("two", r.defs(handler("same", "")+handler("changed", `pause = "1ms"`)+handler("new", "")))
	r.e.Release(context.Background(), "two")
	var names []string
	for _, h := range r.e.Status(context.Background()).Handlers {
		names = append(names, h.Name)
	}
	if got := strings.Join(names, " "); got != "same changed gone" {
		t.Errorf("handlers %q", got)
	}
	if got := r.pid("same"); got != same {
		t.Errorf("the unchanged handler's process is %d, was %d", got, same)
	}
	r.append("v:1")
	for _, name := range names {
		r.settled(name)
	}
	r.e.Release(context.Background(), "one")
	if n := len(r.e.Status(context.Background()).Handlers); n != 0 {
		t.Errorf("%d handlers after the last release", n)
	}
}

// While events come in, reloads replace a handler and are refused and taken back: no
// event may be lost, come twice, or overtake another of its vehicle.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t, 10*time.Second)
	r.apply(0, r.defs(handler("same", "")+handler("changed", "")))
	same := r.pid("same")

	const rounds, events = 5, 40
	appended := make(chan struct{})
	go func() {
		defer close(appended)
		for i := range rounds * events {
			e := &buffer.Event{Source: "test", ID: fmt.Sprintf("v%d:%d", i%7, i), VehicleID: fmt.Sprint(i % 7), Type: "VEHICLE_STATE", Body: []byte("{}")}
			if _, err := r.e.Append(context.Background(), e); err != nil {
				t.Errorf("append: %v", err)
				return
			}
			<-time.After(5 * time.Millisecond)
		}
	}()
	for i := 1; i <= rounds; i++ {
		config := fmt.Sprintf(`pause = "%dms"`, i)
		r.apply(i, r.defs(handler("same", "")+handler("changed", config)))
		switch i % 3 {
		case 0:
			r.e.Release(context.Background(), i) // taken back
		case 1:
			r.e.Release(context.Background(), i-1) // the usual way
		case 2:
			if err := r.e.Apply(context.Background(), "bad", r.defs(handler("same", "")+handler("changed", "broke = true"))); err == nil {
				t.Error("a wrong reload was taken")
			}
		}
	}
	<-appended
	r.settled("same")
	r.settled("changed")
	if got := r.pid("same"); got != same {
		t.Errorf("the unchanged handler's process is %d, was %d", got, same)
	}
	seen, last := map[string]bool{}, map[string]int{}
	for _, l := range r.lines() {
		if key := l.label + " " + l.event; seen[key] {
			t.Errorf("%s came twice", key)
		} else {
			seen[key] = true
		}
		lane, number, _ := strings.Cut(l.event, ":")
		var n int
		fmt.Sscan(number, &n)
		if key := l.label + lane; n < last[key] {
			t.Errorf("%s came after %d", l.event, last[key])
		} else {
			last[key] = n
		}
		if l.attempt != 1 {
			t.Errorf("%+v is no first attempt", l)
		}
	}
	if len(seen) != 2*rounds*events {
		t.Errorf("%d deliveries, want %d", len(seen), 2*rounds*events)
	}
}

func TestFirstStartKeepsABrokenHandlerAsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	key := filepath.Join(r.dir, "key")
	// An event that came before the handlers.
	r.append("v:0")
	r.apply("one", r.defs(handler("good", "")+handler("late", fmt.Sprintf("unless = %q", key))))
	s := r.status("late")
	if s.Plugin.Up || !strings.Contains(s.Plugin.LastError, "not there yet") || !strings.Contains(r.log.String(), "handler is down") {
		t.Errorf("status %+v", s)
	}
	r.append("v:1", "v:2")
	r.settled("good")
	// The event from before them is for both, not just for the one that is created first.
	if got := r.status("late").Consumer.Pending; got != 3 {
		t.Errorf("%d events wait, want 3", got)
	}
	// Supervision finds it well again by itself.
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.settled("late")
	if !r.status("late").Plugin.Up {
		t.Error("the handler is not up")
	}
}

func TestPluginThatIsNotThere(t *testing.T) {
	r := newRig(t, 4*time.Second)
	text := strings.Replace(handler("lost", ""), `"witness"`, `"wintess"`, 1)
	r.apply("one", r.defs(text))
	if s := r.status("lost"); s.Plugin.Up || !strings.Contains(s.Plugin.LastError, "not compiled in") {
		t.Errorf("status %+v", s)
	}
	r.append("v:1")
	if err := r.e.Apply(context.Background(), "two", r.defs(text+handler("good", ""))); err != nil {
		t.Errorf("a handler that is down for the same reason refuses a reload: %v", err)
	}
	r.apply("three", r.defs(handler("lost", "")))
	r.settled("lost")
	if lines := r.lines(); len(lines) != 1 {
		t.Errorf("deliveries %v", lines)
	}
}
