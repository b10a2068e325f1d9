package integration

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// withOtherSite gives the site's Caddy another one, which has nothing to do with Smartcar, and returns its URL.
func (s *site) withOtherSite(t *testing.T) (url string) {
	t.Helper()
	url = fmt.Sprintf("http://localhost:%d", freePort(t))
	s.sites = url + " {\n\trespond hello\n}\n"
	return url
}

// answers reports whether a GET gives 200.
func answers(url string) bool {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// try sends one event and returns the status and the Retry-After of the answer.
func (s *site) try(t *testing.T) (status int, retryAfter string) {
	t.Helper()
	body := smartcar.Sample{
		EventID: uuid.NewString(), VehicleID: "car", DeliveryID: uuid.NewString(), RecordedAt: time.Now(), Mode: "LIVE",
	}.VehicleState()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(smartcar.SignatureHeader, smartcar.Sign(testToken, body))
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Retry-After")
}

// refusedStart runs Caddy on the site, which must end by itself with an error and these words, and never listen.
func (s *site) refusedStart(t *testing.T, words string) {
	t.Helper()
	p := s.spawn(t)
	select {
	case <-p.exited:
	case <-time.After(60 * time.Second):
		t.Fatalf("Caddy runs\n%s", s.log())
	}
	if p.cmd.ProcessState.ExitCode() == 0 || !strings.Contains(s.log(), words) {
		t.Errorf("Caddy ended with %d, want an error and %q\n%s", p.cmd.ProcessState.ExitCode(), words, s.log())
	}
}

// A buffer that cannot be opened takes nothing else with it, and when the cause is gone Caddy receives without being
// asked to.
func TestStartWithoutTheBuffer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other := s.withOtherSite(t)
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	s.write(t, "buffer", "in the way")
	p := s.start(t)
	waitFor(t, "the other site answers", 20*time.Second, func() bool { return answers(other) })
	if status, retryAfter := s.try(t); status != http.StatusServiceUnavailable || retryAfter == "" {
		t.Errorf("an event got %d, Retry-After %q", status, retryAfter)
	}
	waitFor(t, "the config is in force", 20*time.Second, func() bool {
		return s.askAdmin(t, http.MethodGet, "/smartcar/status", "").status == http.StatusOK &&
			s.status(t).Receiving.State == "failed"
	})
	out, code := s.run(t, "status")
	if code != 1 || !strings.Contains(out, "NO, failed since") || !strings.Contains(out, s.buffer) ||
		!strings.Contains(out, "starting") {
		t.Errorf("status exits with %d:\n%s", code, out)
	}
	var said struct {
		Receiving struct {
			Since   time.Time `json:"since"`
			NextTry time.Time `json:"next_try"`
			Why     string    `json:"why"`
		} `json:"receiving"`
	}
	waitFor(t, "status knows the next try", 20*time.Second, func() bool {
		s.get(t, "/smartcar/status", &said)
		return !said.Receiving.NextTry.IsZero()
	})
	if said.Receiving.Since.IsZero() || said.Receiving.NextTry.Before(said.Receiving.Since) || said.Receiving.Why == "" {
		t.Errorf("status: %+v", said)
	}
	// A reload for the sake of the other site is taken: it makes nothing worse.
	changed := strings.Replace(s.caddyfile("7d"), "respond hello", "respond changed", 1)
	if err := s.adminLoad(t.Context(), changed); err != nil {
		t.Errorf("a reload was refused: %v", err)
	}
	if n := strings.Count(s.wholeLog(), "the buffer does not open"); n != 1 {
		t.Errorf("%d log lines for one cause:\n%s", n, s.log())
	}

	if err := os.Remove(s.buffer); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the buffer is open, and no event has asked for it", 20*time.Second, func() bool { return s.atWork(t) })
	sent := s.sendEvents(t, "car", 2)
	waitFor(t, "the events are delivered", 20*time.Second, func() bool { return len(s.received(t)) == len(sent) })
	select {
	case <-p.exited:
		t.Error("Caddy has ended")
	default:
	}

	s.settled(t) // or the reload is refused for the events that would be left behind

	// But now a reload has something to lose.
	s.write(t, "file", "")
	broken := strings.Replace(changed, "path "+s.buffer, "path "+filepath.Join(s.dir, "file"), 1)
	if err := s.adminLoad(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "opening the buffer") {
		t.Errorf("a reload with a buffer that does not open: %v", err)
	}
	s.sendEvents(t, "car", 1)
}

// Who would rather have no Caddy than one that cannot receive says so.
func TestStartThatRequiresTheBuffer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.app = "require_buffer"
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	s.write(t, "buffer", "in the way")
	s.refusedStart(t, "opening the buffer")
	if err := os.Remove(s.buffer); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	s.sendEvents(t, "car", 1)
}

// A second Caddy on the buffer and the port of a running one ends before it listens: it would take that one's senders,
// and has nothing to tell them.
func TestSecondCaddyOnTheSameBuffer(t *testing.T) {
	t.Parallel()
	blue := newSite(t)
	blue.startAdmin(t)
	// Each request has a connection of its own, so that the kernel may give it to either process.
	transport := blue.client.Transport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	blue.client = &http.Client{Transport: transport, Timeout: 15 * time.Second}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := newFleet(blue, 8)
	done := make(chan struct{})
	go func() { defer close(done); f.run(ctx) }()

	green := newSite(t)
	green.port, green.buffer, green.cert = blue.port, blue.buffer, blue.cert
	for _, name := range []string{"cert.pem", "key.pem"} {
		data, err := os.ReadFile(filepath.Join(blue.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		green.write(t, name, string(data))
	}
	green.write(t, "Caddyfile", green.caddyfile("7d"))
	for range 7 { // apps start in random order
		green.refusedStart(t, "another process has the buffer open")
	}
	const listens = "enabling HTTP/3 listener" // Caddy says so for each address
	if !strings.Contains(blue.wholeLog(), listens) || strings.Contains(green.wholeLog(), listens) {
		t.Errorf("blue must listen and green must not; green:\n%s", green.log())
	}
	before := f.total()
	waitFor(t, "blue goes on", 20*time.Second, func() bool { return f.total() > before+20 })
	cancel()
	<-done
	if len(f.broken) > 0 || len(f.refused) > 0 {
		t.Errorf("of %d requests some were refused: %v, broken: %v", f.total(), f.refused, f.broken)
	}
	if v := f.awaitAll(t, blue); v.lost > 0 {
		t.Error(v)
	}
}

// `caddy validate` touches no disk, whatever it finds.
func TestValidateOpensNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out, err := s.caddy(t, "validate", "--config", filepath.Join(s.dir, "Caddyfile"))
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(s.buffer); !os.IsNotExist(err) {
		t.Errorf("the buffer is there: %v", err)
	}
}

// caddy runs one of Caddy's own commands to its end.
func (s *site) caddy(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd, _ := command(t)
	cmd = exec.Command(cmd.Path, args...)
	cmd.Env = append(os.Environ(),
		"SMARTCAR_TOKEN="+testToken, "HOME="+s.dir, "XDG_DATA_HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
