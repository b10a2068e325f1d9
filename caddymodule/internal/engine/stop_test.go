package engine

import (
	"context"
	"strings"
	"testing"
	"time"
)

// At its end Caddy releases the last config and destructs the engine at once.
func TestPluginsEndByThemselves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		stop func(*rig) error
	}{
		{"destruct alone", func(r *rig) error { return r.e.Destruct() }},
		{"release and destruct", func(r *rig) error {
			r.e.Release(context.Background(), "one")
			return r.e.Destruct()
		}},
		{"reload and destruct", func(r *rig) error {
			r.apply("two", nil)
			r.e.Release(context.Background(), "one")
			return r.e.Destruct()
		}},
		{"release while requests go on", func(r *rig) error {
			r.e.Release(context.Background(), "one")
			r.append("v:2")
			r.eventually("the plugin has ended", func() bool { return len(r.lines()) == 2 })
			return r.e.Destruct()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 10*time.Second)
			r.apply("one", r.defs(handler("h", `farewell = "300ms"`)))
			pid := r.pid("h")
			r.append("v:1")
			r.settled("h")
			if err := tt.stop(r); err != nil {
				t.Errorf("destruct: %v", err)
			}
			if alive(pid) {
				t.Error("the plugin's process is still there")
			}
			r.endedWell()
			if lines := r.lines(); len(lines) != 2 || lines[1].event != "closed" {
				t.Errorf("the plugin wrote %v, want an event and its farewell", lines)
			}
		})
	}
}

// Destruct waits for a delivery that a release, still under way, waits for.
func TestDestructLetsAReleaseDrain(t *testing.T) {
	t.Parallel()
	r := newRig(t, 10*time.Second)
	r.apply("one", r.defs(handler("h", `pause = "1s"`)))
	r.append("v:1")
	r.eventually("the event is in flight", func() bool { return r.status("h").Dispatch.InFlight == 1 })
	released := make(chan struct{})
	go func() {
		defer close(released)
		r.e.Release(context.Background(), "one")
	}()
	r.eventually("the release is under way", func() bool { return len(r.e.Status(context.Background()).Handlers) == 0 })
	if err := r.e.Destruct(); err != nil {
		t.Errorf("destruct: %v", err)
	}
	<-released
	r.endedWell()
	if lines := r.lines(); len(lines) != 1 {
		t.Errorf("deliveries %v, want one", lines)
	}
}

// A plugin that never ends its close hook is killed, whatever came before Destruct. How
// long the end may take is tested in virtual time, in stoptime_test.go.
func TestDestructIsBoundedWhenClosingHangs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, config string
		before       func(*rig)
	}{
		{"destruct alone", "", func(*rig) {}},
		{"after a release", "", func(r *rig) { r.e.Release(context.Background(), "one") }},
		{"while a release drains", "hang = true", func(r *rig) {
			r.append("v:1")
			r.eventually("the event is in flight", func() bool { return r.status("h").Dispatch.InFlight == 1 })
			released := make(chan struct{})
			go func() {
				defer close(released)
				r.e.Release(context.Background(), "one")
			}()
			r.t.Cleanup(func() { <-released })
			r.eventually("the release is under way", func() bool { return len(r.e.Status(context.Background()).Handlers) == 0 })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 100*time.Millisecond)
			r.apply("one", r.defs(handler("h", `farewell = "1h"`+"\n"+tt.config)))
			pid := r.pid("h")
			tt.before(r)
			err := r.e.Destruct()
			if alive(pid) {
				t.Error("the plugin's process is still there")
			}
			if got := r.log.String(); err == nil && !strings.Contains(got, "was killed") {
				t.Error("nothing says that the plugin was killed")
			}
		})
	}
}

// At Caddy's end the release of the last config waits for deliveries, and Destruct for
// plugins: together they have the time of one.
func TestReleaseAndDestructShareTheirTime(t *testing.T) {
	t.Parallel()
	const drain = 200 * time.Millisecond
	r := newRig(t, drain)
	r.apply("one", r.defs(handler("h", "hang = true\nfarewell = \"1h\"")))
	pid := r.pid("h")
	r.append("v:1")
	r.eventually("the event is in flight", func() bool { return r.status("h").Dispatch.InFlight == 1 })
	begun := time.Now()
	r.e.Release(context.Background(), "one")
	err := r.e.Destruct()
	if took := time.Since(begun); took < drain { // for the most, see stoptime_test.go
		t.Errorf("release and destruct took %s", took)
	}
	t.Logf("destruct: %v", err)
	if alive(pid) {
		t.Error("the plugin's process is still there")
	}
}

// A release long before the end takes nothing from the time of the end.
func TestDestructLongAfterARelease(t *testing.T) {
	t.Parallel()
	const drain = 50 * time.Millisecond
	r := newRig(t, drain)
	r.apply("one", r.defs(handler("h", "")))
	r.e.Release(context.Background(), "one")
	released := time.Now()
	r.eventually("more time than it has has passed", func() bool { return time.Since(released) > drain+closeGrace })
	r.append("v:1")
	if err := r.e.Destruct(); err != nil {
		t.Errorf("destruct: %v", err)
	}
	r.e = New(r.e.opts)
	r.apply("two", r.defs(handler("h", "")))
	r.settled("h")
	if got := r.events("h"); got != "v:1" {
		t.Errorf("the handler got %q", got)
	}
}

// endedWell fails the test when a plugin or a delivery was cut off.
func (r *rig) endedWell() {
	r.t.Helper()
	for _, bad := range []string{"was killed", "finished=false", "did not finish in time"} {
		if strings.Contains(r.log.String(), bad) {
			r.t.Errorf("the log says %q", bad)
		}
	}
}
