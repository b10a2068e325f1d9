package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// What an interpreter runs is in no file that a reload looks at.
func TestRestartRunsNewCode(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/bin/sh"); err != nil {
		proof.Missing(t, "sh", "there is no /bin/sh")
	}
	r := newRig(t, 4*time.Second)
	code := func(label string) string {
		t.Helper()
		path := filepath.Join(r.dir, "code.sh")
		text := fmt.Sprintf("exec '%s' %s %s\n", os.Args[0], runAsPlugin, label)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := strings.Replace(handler("h", ""), `"witness"`,
		fmt.Sprintf("\"/bin/sh\"\n  args = [%q]", code("-old")), 1)
	r.apply("one", r.defs(text))
	r.append("v:1")
	r.settled("h")
	code("-new")
	old := r.pid("h")
	r.apply("two", r.defs("# the same, further down\n"+text))
	r.append("v:2")
	r.settled("h")
	if r.pid("h") != old {
		t.Fatal("the reload has replaced the process, so this shows nothing")
	}
	r.append("v:3", "v:4")
	if err := r.e.Restart(context.Background(), "h"); err != nil {
		t.Fatal(err)
	}
	r.append("v:5")
	r.settled("h")
	if before, after := r.events("h-old"), r.events("h-new"); !strings.HasPrefix(before, "v:1 v:2") ||
		before+" "+after != "v:1 v:2 v:3 v:4 v:5" || !strings.HasSuffix(after, "v:5") {
		t.Errorf("the old code got %q, the new %q", before, after)
	}
	if now := r.pid("h"); now == old {
		t.Error("it is the same process")
	}
	if s := r.status("h"); !strings.HasSuffix(s.Place, ":2") {
		t.Errorf("it is said to be at %s, and stands in line 2 by now", s.Place)
	}
	r.eventually("the old process is gone", func() bool { return !alive(old) })
}

func TestRestart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, tt := range []struct {
		name  string
		story func(*testing.T, *rig)
	}{
		{"what is in flight is finished first", func(t *testing.T, r *rig) {
			r.apply("one", r.defs(handler("h", "gate = \""+r.dir+"/gate\"")))
			r.append("v:1")
			r.eventually("the event is in flight", func() bool { return r.status("h").Dispatch.InFlight == 1 })
			old := r.pid("h")
			restarted := make(chan error, 1)
			go func() { restarted <- r.e.Restart(ctx, "h") }()
			r.eventually("the new one is in force", func() bool { return r.pid("h") != old })
			r.append("v:2")
			r.touch("gate")
			if err := <-restarted; err != nil {
				t.Fatal(err)
			}
			r.settled("h")
			lines := r.lines()
			if r.events("h") != "v:1 v:2" || lines[0].pid != old || lines[1].pid == old {
				t.Errorf("the handler wrote %+v, the old process was %d", lines, old)
			}
		}},
		{"a pause stays", func(t *testing.T, r *rig) {
			r.apply("one", r.defs(handler("h", "")))
			old := r.pid("h")
			if err := errors.Join(r.e.Pause(ctx, "h"), r.e.Restart(ctx, "h")); err != nil {
				t.Fatal(err)
			}
			r.append("v:1")
			r.eventually("the event is in memory", func() bool { return r.status("h").Dispatch.InMemory == 1 })
			if s := r.status("h"); !s.Dispatch.Paused || s.PausedSince.IsZero() || s.Plugin.PID == old || r.events("h") != "" {
				t.Errorf("status %+v, it got %q", s, r.events("h"))
			}
			if err := r.e.Resume(ctx, "h"); err != nil {
				t.Fatal(err)
			}
			r.settled("h")
		}},
		{"one that is down starts at once", func(t *testing.T, r *rig) {
			r.apply("one", r.defs(handler("h", "unless = \""+r.dir+"/there\"")))
			r.append("v:1")
			r.touch("there")
			if err := r.e.Restart(ctx, "h"); err != nil {
				t.Fatal(err)
			}
			if s := r.status("h"); !s.Plugin.Up {
				t.Errorf("after the restart it is %+v", s.Plugin)
			}
			r.settled("h")
		}},
		{"a new process that does not start changes nothing", func(t *testing.T, r *rig) {
			r.touch("there")
			r.apply("one", r.defs(handler("h", "unless = \""+r.dir+"/there\"")))
			old := r.pid("h")
			if err := os.Remove(filepath.Join(r.dir, "there")); err != nil {
				t.Fatal(err)
			}
			err := r.e.Restart(ctx, "h")
			not, _ := errors.AsType[*NotRestartedError](err)
			start, _ := errors.AsType[*pluginhost.StartError](err)
			if not == nil || start == nil || !not.Running || !strings.Contains(err.Error(), "the file is not there yet") {
				t.Errorf("error %v", err)
			}
			r.append("v:1")
			r.settled("h")
			if r.pid("h") != old || r.events("h") != "v:1" {
				t.Errorf("process %d, before %d; it got %q", r.pid("h"), old, r.events("h"))
			}
		}},
		{"a new one is as one that a reload has started", func(_ *testing.T, r *rig) {
			text := handler("h", "")
			r.apply("one", r.defs(text))
			if err := r.e.Restart(ctx, "h"); err != nil {
				t.Fatal(err)
			}
			same := r.pid("h")
			r.apply("two", r.defs(text+handler("other", "")))
			r.e.Release(ctx, "two")
			if r.pid("h") != same {
				t.Errorf("process %d, before %d", r.pid("h"), same)
			}
		}},
		{"of no handler", func(t *testing.T, r *rig) {
			r.apply("one", r.defs(handler("h", "")))
			if err := r.e.Restart(ctx, "g"); !errors.Is(err, buffer.ErrNotFound) || !strings.Contains(err.Error(), "there are h") {
				t.Errorf("error %v", err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.story(t, newRig(t, 4*time.Second))
		})
	}
}

// An operator who has fixed what a handler needs does not wait for retries and cooldowns.
func TestResumeTriesAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, config string
		broken       func(HandlerStatus) bool
	}{
		{"an open breaker", "down", func(s HandlerStatus) bool { return s.Dispatch.Breaker.State == dispatch.BreakerOpen }},
		{"deferred events", "fail", func(s HandlerStatus) bool { return s.Dispatch.NextDue.After(time.Now().Add(time.Minute)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 4*time.Second)
			slow := "retry {\n    min_delay = \"1h\"\n    max_delay = \"2h\"\n  }\n  breaker { cooldown = \"1h\" }\n  config {"
			text := strings.Replace(handler("h", tt.config+" = \""+r.dir+"/fixed\""), "config {", slow, 1)
			r.apply("one", r.defs(text))
			r.append("v:1", "v:2")
			r.eventually("it is broken", func() bool { return tt.broken(r.status("h")) })
			r.touch("fixed")
			if err := r.e.Resume(context.Background(), "h"); err != nil {
				t.Fatal(err)
			}
			if s := r.status("h"); s.Dispatch.Breaker.State == dispatch.BreakerOpen {
				t.Errorf("after the resume the breaker is %+v", s.Dispatch.Breaker)
			}
			r.settled("h")
			if got := r.events("h"); got != "v:1 v:2" {
				t.Errorf("it got %q", got)
			}
		})
	}
}
