package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// After a reboot nobody is there to mend a file. A mistake in it stops its own handler, at most the others of the
// files, and never receiving; nothing that waits is let go. A reload and the commands that validate refuse it.
func TestStartWithMistakesInTheHandlersFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mistake func(right string) string
		place   string // where it is
		runs    bool   // the other handler runs
	}{
		"a wrong value of a bundled plugin": {
			func(right string) string { return strings.Replace(right, `max_size = "0"`, `max_size = "much"`, 1) },
			"handlers.hcl:6", true,
		},
		"an attribute that does not exist": {
			func(right string) string {
				return strings.Replace(right, "config {", "timeuot = \"5s\"\n  config {", 1)
			}, "handlers.hcl:4", true,
		},
		"a brace too few": {func(right string) string { return right + "handler \"late\" {\n" }, "handlers.hcl:", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			late := filepath.Join(s.dir, "late.jsonl")
			right := jsonlHandler("late", late, "") + jsonlHandler("archive", s.events, "")
			s.write(t, "handlers.hcl", right)
			p := s.startAdmin(t)
			s.sendEvents(t, "car", 1)
			s.settled(t)
			p.terminate(t)

			s.write(t, "handlers.hcl", tt.mistake(right))
			s.startAdmin(t)
			sent := s.sendEvents(t, "car", 2)
			waitFor(t, "the events wait for the handler with the mistake", 20*time.Second, func() bool {
				return s.handler(t, "late").State == "down" && s.handler(t, "late").Behind.Events == 2
			})
			if tt.runs {
				waitFor(t, "the other handler delivers", 20*time.Second, func() bool { return len(s.received(t)) == 1+len(sent) })
			} else if h := s.handler(t, "archive"); h.State != "down" || h.Behind.Events != 2 {
				t.Errorf("the other handler is %+v", h)
			}
			out, code := s.run(t, "status")
			if code != 1 || !strings.Contains(strings.Join(strings.Fields(out), ""), tt.place) ||
				!strings.Contains(out, "fix the file, then reload") {
				t.Errorf("status exits with %d, want %s in it:\n%s", code, tt.place, out)
			}
			log := s.wholeLog()
			if !strings.Contains(log, `"do":"fix the file, then reload"`) || !strings.Contains(log, tt.place) {
				t.Errorf("the log does not say it:\n%s", log)
			}

			config := filepath.Join(s.dir, "Caddyfile")
			if out, err := s.caddy(t, "validate", "--config", config); err == nil {
				t.Errorf("caddy validate takes it:\n%s", out)
			}
			if out, code := runValidate(t, s.dir); code != 1 || !strings.Contains(out, tt.place) {
				t.Errorf("caddy smartcar validate exits with %d:\n%s", code, out)
			}
			s.write(t, "handlers.hcl", tt.mistake(right)+"# a change, so that Caddy takes the reload\n")
			err := s.adminLoad(t.Context(), s.caddyfile("7d"))
			if err == nil || !strings.Contains(err.Error(), "loading the handlers") {
				t.Errorf("a reload with the mistake: %v", err)
			}

			s.write(t, "handlers.hcl", right)
			if err := s.adminLoad(t.Context(), s.caddyfile("7d")); err != nil {
				t.Fatal(err)
			}
			s.settled(t)
			if got, others := receivedIn(t, late), s.received(t); len(got) != 3 || len(others) != 3 {
				t.Errorf("delivered %d and %d events, want 3 each", len(got), len(others))
			}
			s.must(t, "Nothing needs attention", "status")
		})
	}
}

// The same for what only the whole config shows, and for a file that cannot be read.
func TestStartWithMistakesAroundTheHandlersFile(t *testing.T) {
	t.Parallel()
	t.Run("a handler that posts to its own receiver", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.write(t, "handlers.hcl", jsonlHandler("archive", s.events, "")+
			fmt.Sprintf("handler \"loop\" {\n  plugin = \"http\"\n  config {\n    url = %q\n  }\n}\n", s.url))
		s.startAdmin(t)
		sent := s.sendEvents(t, "car", 2)
		waitFor(t, "the other handler delivers", 20*time.Second, func() bool { return len(s.received(t)) == len(sent) })
		if h := s.handler(t, "loop"); h.State != "down" || h.Behind.Events != 2 {
			t.Errorf("%+v", h)
		}
	})
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		if err := os.Remove(filepath.Join(s.dir, "handlers.hcl")); err != nil {
			t.Fatal(err)
		}
		s.start(t)
		s.sendEvents(t, "car", 2)
		out, code := s.run(t, "status")
		if code != 1 || !strings.Contains(out, "no handler runs") {
			t.Errorf("status exits with %d:\n%s", code, out)
		}
		s.write(t, "handlers.hcl", jsonlHandler("archive", s.events, ""))
		if err := s.adminLoad(t.Context(), s.caddyfile("7d")); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "what was stored before is delivered", 20*time.Second, func() bool { return len(s.received(t)) == 2 })
	})
}
