package integration

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// upgradeFrom is an environment variable with the path of another Caddy with this module. If it is set, every other start
// of TestUpgrade is of that one.
const upgradeFrom = "SMARTCAR_UPGRADE_FROM"

// newActivated is a site whose Caddy runs on the Caddyfile of examples/systemd, with ports that the test holds open as
// systemd does.
func newActivated(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	text, err := os.ReadFile(systemdExample + "Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	local := strings.NewReplacer(
		"/run/caddy/admin.sock", s.admin,
		"/var/lib/smartcar/buffer", s.buffer,
		"/etc/caddy/", s.dir+"/",
		// The test's certificate; to get one is another matter.
		"bind fd/3\n", fmt.Sprintf("bind fd/3\n\ttls %s %s\n", s.cert.Cert, s.cert.Key),
	).Replace(string(text))
	s.write(t, "Caddyfile", local)
	s.env = []string{"SMARTCAR_DOMAIN=localhost"}
	var ports []int
	for range 2 {
		ln, err := net.Listen("tcp", "localhost:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() // the descriptor that follows stays
		socket, err := ln.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.Close() })
		s.inherited = append(s.inherited, socket)
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	s.port = ports[0]
	s.url = fmt.Sprintf("https://localhost:%d/webhooks/smartcar", ports[0])
	return s
}

// reloadByForce does what the unit's ExecReload does.
func (s *site) reloadByForce(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "reload", "--config", filepath.Join(s.dir, "Caddyfile"), "--force")
	cmd.Env = append(os.Environ(), "SMARTCAR_TOKEN="+testToken, "HOME="+s.dir)
	cmd.Env = append(cmd.Env, s.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// Caddy is restarted again and again while webhooks come, none of which is sent twice: every one is answered 200, however
// its sender treats connections. A reload refuses none either, and every event is delivered, once and in order.
func TestUpgrade(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	restarts, reloads, each := 5, 1, 40
	if proof.IsLong() {
		restarts, reloads, each = 20, 10, 200
	}
	v := upgradeVerdict{restarts: restarts, reloads: reloads}
	r := report.New("upgrade", upgradeCommand())
	s := newActivated(t)
	if !proof.IsLong() {
		// Still longer than a sender here takes from one webhook to the next.
		s.edit(t, "shutdown_delay 2s", fmt.Sprintf("shutdown_delay %dms", 500*timeFactor))
	}
	x, p := newSenders(s, 3), s.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		x.run(ctx, s)
	}()
	x.awaitMore(t, each)
	for i := range restarts {
		p.terminate(t)
		exited := time.Now()
		s.program = ""
		if i%2 == 0 {
			s.program = os.Getenv(upgradeFrom)
		}
		p = s.start(t)
		v.away = max(v.away, time.Since(exited))
		x.awaitMore(t, each)
	}
	v.restarted = x.begin()
	for range reloads {
		s.reloadByForce(t)
		x.awaitMore(t, each)
	}
	cancel()
	<-sent
	v.reloaded = x.begin()
	v.delivered = x.fleet.awaitAll(t, s)
	v.check(t, s)
	v.tell(t, r)
}

// edit replaces a part of the site's Caddyfile.
func (s *site) edit(t *testing.T, old, now string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("the Caddyfile has no %q", old)
	}
	s.write(t, "Caddyfile", strings.ReplaceAll(string(text), old, now))
}
