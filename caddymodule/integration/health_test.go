package integration

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newHealthSite answers questions beside a receiver that takes all other requests.
func newHealthSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.limits = "max_size 1MiB\n headroom 1MiB"
	s.grace = "2s\n\tshutdown_delay 8s"
	s.write(t, "Caddyfile", s.healthCaddyfile())
	return s
}

func (s *site) healthCaddyfile() string {
	return strings.Replace(s.caddyfile("7d"), "\tsmartcar_webhook {",
		"\tsmartcar_health /health\n\tsmartcar_health /health/live live\n\tsmartcar_webhook {", 1)
}

// asked is an answer to a question about health: status and body.
func (s *site) asked(t *testing.T, client *http.Client, method, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	said := resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusServiceUnavailable
	if said && resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", resp.Header.Get("Cache-Control"))
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, body))
}

// wantHealth compares what the site and the admin endpoint say, once they say whether it is ready as it should be.
func (s *site) wantHealth(t *testing.T, ready, live string) {
	t.Helper()
	waitFor(t, "it is "+ready, 30*time.Second, func() bool {
		return s.asked(t, s.client, http.MethodGet, s.url+"health") == ready
	})
	for path, want := range map[string]string{"ready": ready, "live": live} {
		if got := s.asked(t, s.adminClient(), http.MethodGet, "http://localhost/smartcar/"+path); got != want {
			t.Errorf("admin, %s: %s, want %s", path, got, want)
		}
	}
	if got := s.asked(t, s.client, http.MethodGet, s.url+"health/live"); got != live {
		t.Errorf("live: %s, want %s", got, live)
	}
	for want, ask := range map[string]func() string{
		ready[:3]: func() string { return s.asked(t, s.client, http.MethodHead, s.url+"health") },
		live[:3]:  func() string { return s.asked(t, s.adminClient(), http.MethodHead, "http://localhost/smartcar/live") },
	} {
		if got := ask(); got != want {
			t.Errorf("HEAD: %s, want %s", got, want)
		}
	}
}

const (
	isReady = `200 {"ready":true}`
	isLive  = `200 {"live":true}`
)

// A Caddy whose buffer does not open lives and is not ready, until it opens; it stops being ready when it is told to
// stop, and still takes what comes.
func TestHealthFromStartToStop(t *testing.T) {
	t.Parallel()
	s := newHealthSite(t)
	s.write(t, "buffer", "in the way")
	p := s.start(t)
	s.wantHealth(t, `503 {"ready":false,"why":"failed"}`, isLive)
	if err := os.Remove(s.buffer); err != nil {
		t.Fatal(err)
	}
	s.wantHealth(t, isReady, isLive)
	s.sendEvents(t, "car", 1)

	// A question is asked with GET: what else comes is for the receiver.
	if got := s.asked(t, s.client, http.MethodPut, s.url+"health"); !strings.HasPrefix(got, "405 ") {
		t.Errorf("PUT: %s", got)
	}
	if got := s.asked(t, s.adminClient(), http.MethodPost, "http://localhost/smartcar/ready"); !strings.HasPrefix(got, "405 ") {
		t.Errorf("admin, POST: %s", got)
	}
	if got := s.asked(t, s.adminClient(), http.MethodGet, "http://localhost/smartcar/ready?x=1"); !strings.HasPrefix(got, "400 ") {
		t.Errorf("admin, with a parameter: %s", got)
	}

	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.wantHealth(t, `503 {"ready":false,"why":"stopping"}`, `503 {"live":false,"why":"stopping"}`)
	s.sendEvents(t, "car", 1)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		t.Fatalf("Caddy has not ended\n%s", s.log())
	}
	if p.err != nil {
		t.Errorf("%v\n%s", p.err, s.log())
	}
}

// A full buffer is not ready, and is again when there is room, also if nobody sends any more.
func TestHealthOfAFullBuffer(t *testing.T) {
	t.Parallel()
	s := newHealthSite(t)
	s.startAdmin(t)
	s.wantHealth(t, isReady, isLive)
	s.must(t, "paused", "pause", "archive")
	sent := 0
	for status := http.StatusOK; status == http.StatusOK; sent++ {
		if status = s.sendLarge(t); sent > 40 {
			t.Fatalf("event %d: %d", sent, status)
		}
	}
	s.wantHealth(t, `503 {"ready":false,"why":"full"}`, isLive)
	s.must(t, "archive goes on", "resume", "archive")
	s.wantHealth(t, isReady, isLive)
}

// A halted buffer is not ready, whatever a handler does.
func TestHealthOfAHaltedBuffer(t *testing.T) {
	t.Parallel()
	s := newHealthSite(t)
	s.startAdmin(t)
	s.wantHealth(t, isReady, isLive)
	if err := os.Rename(s.buffer, s.buffer+"-away"); err != nil {
		t.Fatal(err)
	}
	s.wantHealth(t, `503 {"ready":false,"why":"halted"}`, isLive)
}

// Handlers have no part in it: what does not get to them waits.
func TestHealthWhileAHandlerIsDown(t *testing.T) {
	t.Parallel()
	s := newHealthSite(t)
	s.write(t, "handlers.hcl", "handler \"archive\" {\n  plugin = \"/bin/false\"\n}\n")
	s.startAdmin(t)
	s.wantHealth(t, isReady, isLive)
	s.sendEvents(t, "car", 1)
	s.wantHealth(t, isReady, isLive)
}
