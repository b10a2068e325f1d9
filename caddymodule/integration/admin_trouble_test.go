package integration

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// sendLarge sends an event of 40 kB and returns the answer's status.
func (s *site) sendLarge(t *testing.T) int {
	t.Helper()
	body := smartcar.Sample{EventID: uuid.NewString(), VehicleID: "car-1", RecordedAt: time.Now(), Size: 40_000}.VehicleState()
	status, err := post(s.client, s.url, body, smartcar.Sign(testToken, body))
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// A full buffer is told while it lasts, and not any more when it has recovered by itself.
func TestAdminFullBuffer(t *testing.T) {
	t.Parallel()
	s, _ := newAdminSite(t)
	s.write(t, "Caddyfile", strings.Replace(s.caddyfile("7d"), "retention 7d", "max_size 1MiB", 1))
	s.startAdmin(t)
	s.must(t, "paused", "pause", "crm")
	sent := 0
	for status := http.StatusOK; status == http.StatusOK; sent++ {
		if status = s.sendLarge(t); status == http.StatusServiceUnavailable {
			break
		}
		if status != http.StatusOK || sent > 40 {
			t.Fatalf("event %d: %d", sent, status)
		}
	}
	v := s.status(t)
	if v.Healthy || v.Receiving.Healthy || v.Receiving.State != "full" || v.Sources[0].Refused["buffer_full"] != 1 || v.Buffer.LimitBytes != 1<<20 {
		t.Errorf("%+v", v)
	}
	out, code := s.run(t, "status")
	for _, want := range []string{"Receiving  NO, full since", "buffer_full 1", "events are refused with 503", "it recovers by itself", "crm is paused", "held by crm (paused, "} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("status: exit code %d, want 1 and %q\n%s", code, want, out)
		}
	}

	// It may come once for each delivery, so it must not be long.
	for line := range strings.Lines(s.log()) {
		if strings.Contains(line, "webhook.not_stored") && len(line) > 1000 || strings.Contains(line, "runtime.goexit") {
			t.Errorf("%d bytes in one line of the log: %s", len(line), line)
		}
	}

	s.must(t, "crm goes on", "resume", "crm")
	waitFor(t, "events are taken again", 30*time.Second, func() bool { return s.sendLarge(t) == http.StatusOK })
	s.settled(t)
	if v := s.status(t); !v.Receiving.Healthy || v.Receiving.State != "open" {
		t.Errorf("after it recovered: %+v", v)
	}
}

// An application that is away opens the breaker: nothing is lost, and it is told.
func TestAdminBreaker(t *testing.T) {
	t.Parallel()
	s, _ := newAdminSite(t)
	s.write(t, "handlers.hcl", s.adminHandlers("http://127.0.0.1:1"))
	s.startAdmin(t)
	s.sendEvents(t, "car-1", 2)
	waitFor(t, "the breaker opens", 10*time.Second, func() bool { return s.handler(t, "crm").State == "breaker-open" })
	if archive := s.handler(t, "archive"); archive.State != "ok" {
		t.Errorf("%+v", archive)
	}
	out, code := s.run(t, "status")
	if code != 1 || !strings.Contains(out, "crm has got nothing for") || !strings.Contains(out, "refused") {
		t.Errorf("status: exit code %d\n%s", code, out)
	}
	if out, code := s.run(t, "status", "crm"); code != 1 || !strings.Contains(out, "open since") {
		t.Errorf("status crm: exit code %d\n%s", code, out)
	}
	if out, code := s.run(t, "status", "archive"); code != 0 {
		t.Errorf("status archive: exit code %d\n%s", code, out)
	}
	if crm := s.handler(t, "crm"); crm.Behind.Events != 2 || crm.Behind.Seconds <= 0 {
		t.Errorf("%+v", crm)
	}
}

// A handler whose process does not stay is told, with why, while Caddy receives.
func TestAdminHandlerDown(t *testing.T) {
	t.Parallel()
	exits, err := exec.LookPath("false")
	if err != nil {
		t.Skip("no program that does nothing but fail")
	}
	s, _ := newAdminSite(t)
	s.write(t, "handlers.hcl", fmt.Sprintf("handler \"billing\" {\n  plugin = %q\n}\n", exits))
	s.startAdmin(t)
	s.sendEvents(t, "car-1", 1)
	h := s.handler(t, "billing")
	if h.State != "down" || h.Plugin.Up || h.Behind.Events != 1 {
		t.Errorf("%+v", h)
	}
	out, code := s.run(t, "status")
	if code != 1 || !strings.Contains(out, "billing is down: ") || !strings.Contains(out, "Receiving  yes") {
		t.Errorf("status: exit code %d\n%s", code, out)
	}
}

// An operator who has fixed it has it tried at once, and gives a handler a new process.
func TestAdminTryNow(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s, app := newAdminSite(t)
	slow := strings.NewReplacer(`"10ms"`, `"1h"`, `"20ms"`, `"1h"`, "failures = 1000", "failures = 2\n    cooldown = \"1h\"")
	s.write(t, "handlers.hcl", slow.Replace(s.adminHandlers(app.url)))
	app.answer("car-1", http.StatusInternalServerError)
	app.answer("car-2", http.StatusInternalServerError)
	s.startAdmin(t)
	want := s.sendEvents(t, "car-1", 2)
	waitFor(t, "an event is set aside", 10*time.Second, func() bool { return s.handler(t, "crm").Counts.Retried == 1 })
	second := s.sendEvents(t, "car-2", 1)
	waitFor(t, "the breaker opens", 10*time.Second, func() bool { return s.handler(t, "crm").State == "breaker-open" })
	out, _ := s.run(t, "status")
	if command := "caddy smartcar resume crm"; !strings.Contains(out, command) {
		t.Errorf("the status does not say %s:\n%s", command, out)
	}
	app.answer("car-1", http.StatusOK)
	s.must(t, "crm goes on (ok)", "resume", "crm")
	waitFor(t, "they arrive", 10*time.Second, func() bool { return len(app.events()) == 2 })
	if got := app.events(); !slices.Equal(got, want) {
		t.Errorf("it got %q, want %q", got, want)
	}
	app.answer("car-2", http.StatusOK)
	before := s.handler(t, "crm").Plugin.PID
	s.must(t, "crm goes on", "restart", "crm")
	if now := s.handler(t, "crm").Plugin; !now.Up || now.PID == before {
		t.Errorf("after the restart its process is %+v, before it was %d", now, before)
	}
	s.must(t, "crm goes on (ok)", "resume", "crm")
	s.settled(t)
	if got := app.events(); !slices.Equal(got, append(want, second...)) {
		t.Errorf("it got %q", got)
	}
	s.refused(t, `no handler "cms": there are archive, crm`, "restart", "cms")
}
