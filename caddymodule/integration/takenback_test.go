package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// unbindable is a site on an address that is of no machine (RFC 5737), which is found only when it starts.
const unbindable = "http://:1 {\n\tbind 192.0.2.1\n}\n"

// Apps start in any order, so only some of these reloads are refused after the handlers were applied.
const refusals = 10

// A refused reload leaves no handler that nobody has configured, which would collect events for days.
func TestRefusedReloadsLeaveNoHandler(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.startAdmin(t)
	right, handlers := s.caddyfile("7d"), jsonlHandler("archive", s.events, "")
	removed := jsonlHandler("removed", filepath.Join(s.dir, "removed.jsonl"), "")
	s.write(t, "handlers.hcl", handlers+removed)
	if err := s.adminLoad(t.Context(), right); err != nil {
		t.Fatal(err)
	}
	s.write(t, "handlers.hcl", handlers)
	if err := s.adminLoad(t.Context(), right); err != nil {
		t.Fatal(err)
	}
	before := s.removedHandler(t)

	s.write(t, "handlers.hcl", handlers+removed+jsonlHandler("ghost", filepath.Join(s.dir, "ghost.jsonl"), ""))
	for range refusals {
		err := s.adminLoad(t.Context(), right+unbindable)
		if err == nil || !strings.Contains(err.Error(), "192.0.2.1") {
			t.Fatalf("a site that cannot be bound: %v", err)
		}
		s.sendEvents(t, "car", 1)
		if now := s.removedHandler(t); now.RemovedAt != before.RemovedAt || now.LetGoAt != before.LetGoAt {
			t.Fatalf("the removed handler is let go of at %s, before it was %s", now.LetGoAt, before.LetGoAt)
		}
	}
	s.settled(t)

	s.write(t, "handlers.hcl", handlers)
	p.terminate(t)
	s.startAdmin(t)
	s.removedHandler(t)
	if got := len(s.received(t)); got != refusals {
		t.Errorf("the handler that was there all the time has had %d events, want %d", got, refusals)
	}
}

// removedHandler is the one handler that has been removed.
func (s *site) removedHandler(t *testing.T) adminHandler {
	t.Helper()
	v := s.status(t)
	if len(v.Handlers) != 1 || v.Handlers[0].Name != "archive" || len(v.Removed) != 1 || v.Removed[0].Name != "removed" {
		t.Fatalf("handlers %+v, removed %+v; want archive, and removed", v.Handlers, v.Removed)
	}
	return v.Removed[0]
}

// A Caddy that does not start leaves no handler either, so that those of the next start get all that is stored.
func TestRefusedFirstStartLeavesNoHandler(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	right := s.caddyfile("7d")
	s.write(t, "handlers.hcl", jsonlHandler("ghost", filepath.Join(s.dir, "ghost.jsonl"), ""))
	s.write(t, "Caddyfile", right+unbindable)
	for range refusals / 2 {
		p := s.spawn(t)
		select {
		case <-p.exited:
		case <-time.After(30 * time.Second):
			t.Fatalf("Caddy runs with a site that cannot be bound\n%s", s.log())
		}
	}
	s.write(t, "handlers.hcl", jsonlHandler("archive", s.events, ""))
	s.write(t, "Caddyfile", right)
	s.startAdmin(t)
	if v := s.status(t); len(v.Removed) != 0 {
		t.Errorf("removed handlers %+v", v.Removed)
	}
}

// A stop of the one config that was ever loaded is no refusal: what waits for its handlers stays.
func TestStopKeepsHandlers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "handlers.hcl")
	handlers := "handler \"waits\" {\n  plugin = " + strconv.Quote(noPlugin(t)) + "\n}\n"
	if err := os.WriteFile(file, []byte(handlers), 0o600); err != nil {
		t.Fatal(err)
	}
	e := startEdge(t, edgeConfig{App: "handlers " + file})
	good(state("event", "")).send(t, e)
	e.stop(t)
	b, err := disk.Open(t.Context(), disk.Options{Path: filepath.Join(e.dir, "buffer")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	infos, err := b.Consumers(t.Context())
	if err != nil || len(infos) != 1 || infos[0].Name != "waits" || infos[0].Pending != 1 {
		t.Errorf("%+v, %v; want the one handler with the event that waits for it", infos, err)
	}
}

// noPlugin is a program that ends at once.
func noPlugin(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("false")
	if err != nil {
		t.Skip("no program that does nothing but fail")
	}
	return program
}
