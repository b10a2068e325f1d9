package integration

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// The ports are those of the Caddyfile's descriptors, in this order, and stay open whatever becomes of Caddy.
func TestSystemdSocket(t *testing.T) {
	socket, service := readUnit(t, systemdExample+"caddy.socket"), readUnit(t, systemdExample+"caddy.service")
	if got := strings.Join(socket["Socket.ListenStream"], " "); got != "443 80" {
		t.Errorf("ListenStream is %s", got)
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct{ Listen []string }
			}
		}
	}
	if err := json.Unmarshal(readSystemdExample(t).raw, &config); err != nil {
		t.Fatal(err)
	}
	var listens []string
	for _, server := range config.Apps.HTTP.Servers {
		listens = append(listens, server.Listen...)
	}
	slices.Sort(listens)
	if got := strings.Join(listens, " "); got != "fd/3 fd/4" {
		t.Errorf("the Caddyfile listens at %s", got)
	}
	// After 20 failed starts in 2 s systemd would close the ports.
	if got := socket.one(t, "Socket.TriggerLimitIntervalSec"); got != "0" {
		t.Errorf("TriggerLimitIntervalSec=%s", got)
	}
	if socket["Socket.Accept"] != nil || socket["Socket.FlushPending"] != nil {
		t.Error("what waits in the socket is another process's, or thrown away")
	}
	for _, key := range []string{"Unit.Requires", "Service.Sockets", "Install.Also"} {
		if got := service.one(t, key); got != "caddy.socket" {
			t.Errorf("%s=%s", key, got)
		}
	}
	// systemd opens the ports, so nobody else needs to be allowed to.
	if service["Service.AmbientCapabilities"] != nil || service.one(t, "Service.CapabilityBoundingSet") != "" {
		t.Error("Caddy has capabilities")
	}
}

// What a connection waits for at most is less than Smartcar does.
func TestSystemdRestartIsShorterThanAnAttempt(t *testing.T) {
	const attempt, start = 15 * time.Second, 3 * time.Second
	if needs := readSystemdExample(t).needs() + start; needs >= attempt {
		t.Errorf("a stop and a start may take %v", needs)
	}
}

// With the sockets that systemd's own tool opens and passes on, the example's Caddyfile gets a certificate, answers HTTPS
// on the first, redirects on the second, and its self-check finds where the first one listens.
func TestSystemdSocketActivation(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	tool, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		proof.Missing(t, "systemd-socket-activate", err)
	}
	s := newActivated(t)
	// Its CA is Caddy's own, since the name is localhost.
	s.edit(t, fmt.Sprintf("\ttls %s %s\n", s.cert.Cert, s.cert.Key), "")
	https, plain := freePort(t), freePort(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.port, s.url = https, fmt.Sprintf("https://localhost:%d/webhooks/smartcar", https)
	s.inherited = nil
	s.program = tool
	s.arguments = []string{
		"-l", fmt.Sprintf("127.0.0.1:%d", https), "-l", fmt.Sprintf("127.0.0.1:%d", plain),
		"-E", "SMARTCAR_TOKEN", "-E", "SMARTCAR_DOMAIN", "-E", "HOME", "-E", "XDG_DATA_HOME", "-E", "XDG_CONFIG_HOME", "-E", "TMPDIR",
		self, "run", "--config", filepath.Join(s.dir, "Caddyfile"),
	}
	p := s.spawn(t)
	waitFor(t, "the tool listens", 10*time.Second, func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", https))
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})

	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}, DisableKeepAlives: true},
		Timeout:   15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	s.client = client
	waitFor(t, "a certificate", 30*time.Second, func() bool {
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", https), &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"})
		return err == nil && conn.Close() == nil
	})
	if _, status := s.sendOne(t); status != http.StatusOK {
		t.Errorf("an event is answered %d", status)
	}
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/webhooks/smartcar?a=b", plain))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusPermanentRedirect || to != "https://127.0.0.1/webhooks/smartcar?a=b" {
		t.Errorf("over plain HTTP: %d to %q", resp.StatusCode, to)
	}
	waitFor(t, "the self-check reaches the receiver", 30*time.Second, func() bool {
		out, _ := s.run(t, "status")
		return strings.Contains(out, "yes, reached at")
	})
	p.terminate(t)
	s.stoppedWell(t)
}
