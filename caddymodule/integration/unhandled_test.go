package integration

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// Where nobody takes errors, the log of the start, status and validate say so; not where that is meant.
func TestErrorsWithoutAHandler(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	const word = "VEHICLE_ERROR events"
	s := newSite(t)
	states := jsonlHandler("archive", s.events, `when = event.type == "VEHICLE_STATE"`)
	own := ownHandler(t, "own", "states", "", map[string]string{"path": filepath.Join(s.dir, "own.jsonl"), "gate": "-", "seen": "-"})
	unhandled := func() (n int) {
		var v api.Status
		s.get(t, "/smartcar/status", &v)
		for _, a := range v.Attention {
			if a.Kind == api.ErrorsUnhandled && a.Source == "default" {
				n++
			}
		}
		return n
	}
	// validated runs the command with the present files.
	validated := func(want bool, args ...string) {
		t.Helper()
		out, code := runValidate(t, s.dir, args...)
		if code != 0 || strings.Contains(out, "warning: default: no handler takes "+word) != want {
			t.Errorf("validate exits with %d, want a warning: %v\n%s", code, want, out)
		}
	}
	reload := func() {
		t.Helper()
		s.write(t, "Caddyfile", s.caddyfile("7d"))
		if err := s.adminLoad(t.Context(), s.caddyfile("7d")); err != nil {
			t.Fatal(err)
		}
	}

	s.write(t, "handlers.hcl", states)
	s.startAdmin(t)
	if n := unhandled(); n != 1 {
		t.Errorf("%d things need attention, want one", n)
	}
	if out, code := s.run(t, "status"); code != 1 || !strings.Contains(out, word) {
		t.Errorf("status exits with %d:\n%s", code, out)
	}
	if n := strings.Count(s.wholeLog(), "VEHICLE_ERROR events have no handler"); n != 1 {
		t.Errorf("%d lines of log:\n%s", n, s.wholeLog())
	}
	validated(true)

	// The program says what it wants when it is up.
	s.write(t, "handlers.hcl", states+own)
	validated(false)
	validated(true, "--plugins")
	reload()
	waitFor(t, "the program has said that it wants no errors", 20*time.Second, func() bool { return unhandled() == 1 })

	s.app = "ignore_vehicle_errors"
	reload()
	if n := unhandled(); n != 0 {
		t.Error("it is meant, and needs attention")
	}
	validated(false, "--plugins")
	s.app = ""
	s.write(t, "handlers.hcl", states+jsonlHandler("errors", filepath.Join(s.dir, "errors.jsonl"), `when = event.type == "VEHICLE_ERROR"`))
	reload()
	if n := unhandled(); n != 0 {
		t.Error("a handler takes errors")
	}
	validated(false)
	if n := strings.Count(s.wholeLog(), "VEHICLE_ERROR events have no handler"); n != 2 {
		t.Errorf("%d lines of log, want one for each of the first two configs", n)
	}
}
