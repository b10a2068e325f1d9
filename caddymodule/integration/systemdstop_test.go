package integration

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// busy is what a machine that runs other tests too may add to a stop.
func busy() time.Duration {
	if proof.IsLong() {
		return 2 * time.Second
	}
	return 15 * time.Second
}

// When only Caddy is told to stop (KillMode=mixed), it ends within what it was given,
// with nothing left behind and nothing lost. In its short form it is given less than the
// example gives.
func TestSystemdStopMixed(t *testing.T) {
	var config systemdConfig
	// A subtest, since what sets the environment does not run beside others.
	t.Run("the example", func(t *testing.T) { config = readSystemdExample(t) })
	drain := ""
	if !proof.IsLong() {
		config.Apps.HTTP.GracePeriod, config.Apps.Smartcar.DrainTimeout = time.Second, time.Second
		drain = "drain_timeout 1s"
	}
	t.Run("the worst", func(t *testing.T) {
		t.Parallel()
		// A request that does not end, and a handler that neither answers nor gives up.
		s := newSite(t)
		s.grace, s.app = config.Apps.HTTP.GracePeriod.String(), drain
		p, f := s.startHanging(t)
		defer s.halfRequest(t).Close()
		has := readUnit(t, systemdExample+"caddy.service").duration(t, "Service.TimeoutStopSec")
		took := p.stopCleanly(t, has)
		t.Logf("stopped after %v; it may take %v, and the unit gives it %v", took.Round(10*time.Millisecond), config.needs(), has)
		if took > config.needs()+busy() {
			t.Errorf("it took %v, more than the %v that is promised", took, config.needs())
		}
		s.startAgain(t, f)
	})
	t.Run("the stock unit", func(t *testing.T) {
		t.Parallel()
		// It gives 5 s: enough when no request is under way.
		s := newSite(t)
		s.app = drain
		p, f := s.startHanging(t)
		took := p.stopCleanly(t, 5*time.Second+busy())
		t.Logf("stopped after %v", took.Round(10*time.Millisecond))
		s.startAgain(t, f)
	})
}

// startHanging starts a Caddy whose handler hangs with an event of each vehicle.
func (s *site) startHanging(t *testing.T) (*process, *fleet) {
	t.Helper()
	config := map[string]string{"path": s.events, "gate": filepath.Join(s.dir, "gate"), "seen": filepath.Join(s.dir, "seen")}
	s.write(t, "gate", "")
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	s.write(t, "handlers.hcl", ownHandler(t, "archive", "hang", "", config))
	p, f := s.start(t), newFleet(s, 4)
	for _, v := range f.vehicles {
		f.sendOne(t.Context(), v)
	}
	waitFor(t, "the handler hangs", 30*time.Second, func() bool { return len(receivedIn(t, config["seen"])) == len(f.vehicles) })
	return p, f
}

// halfRequest sends half a request, and returns when Caddy waits for the other half.
func (s *site) halfRequest(t *testing.T) io.Closer {
	t.Helper()
	conn, err := tls.Dial("tcp", fmt.Sprintf("localhost:%d", s.port), s.cert.Client())
	if err != nil {
		t.Fatal(err)
	}
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	// "100 Continue" comes when the body is asked for.
	if _, err := conn.Read(make([]byte, 25)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// stopCleanly asks Caddy to end, and says how long it took until it and its plugin had.
func (p *process) stopCleanly(t *testing.T, limit time.Duration) time.Duration {
	t.Helper()
	children, begun := p.children(t), time.Now()
	if len(children) != 1 {
		t.Fatalf("%d plugins, want one", len(children))
	}
	p.terminateWithin(t, limit)
	took := time.Since(begun)
	waitFor(t, "the plugin is gone", busy(), func() bool { return !slices.ContainsFunc(children, alive) })
	return took
}

// startAgain starts the site with a handler that works again, which gets all that it is owed, once.
func (s *site) startAgain(t *testing.T, f *fleet) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.dir, "gate")); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	if v := f.awaitAll(t, s); v.lost > 0 || v.repeated > 0 || v.disordered > 0 {
		t.Errorf("%v\n%s", v, s.log())
	}
}

// When SIGTERM comes to Caddy and its plugins at once (KillMode=control-group, the
// stock unit's), the plugins still finish what they have.
func TestSystemdStopControlGroup(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	s := newSite(t)
	f := newFleet(s, 16)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		f.run(ctx)
	}()
	for range 3 {
		p := s.start(t)
		goal := len(s.received(t)) + 200
		waitFor(t, "the handler is at work", 30*time.Second, func() bool { return len(s.received(t)) >= goal })
		for _, pid := range p.children(t) {
			if err := signalTo(pid, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		p.stopCleanly(t, 5*time.Second+busy())
		s.stoppedWell(t)
	}
	s.start(t)
	cancel()
	<-sent
	v := f.awaitAll(t, s)
	t.Logf("3 stops: %v; answers other than 200: %v", v, f.refused)
	if v.lost > 0 || v.repeated > 0 || v.disordered > 0 {
		t.Errorf("%v\n%s", v, s.log())
	}
}
