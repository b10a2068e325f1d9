package integration

import (
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// With socket activation Caddy gets its listening socket from the service manager, as descriptor 3,
// and serves it; the plugins do not get it from Caddy.
func TestPluginsDoNotInheritAnActivatedSocket(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	socket, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	s.inherited = []*os.File{socket}
	s.sites = "http://activated {\n\tbind fd/3\n\trespond activated\n}\n"
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	p := s.start(t)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ln.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "activated"
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("over the activated socket Caddy answers %d", resp.StatusCode)
	}
	target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(socket.Fd())))
	if err != nil {
		t.Skip("reads /proc: ", err)
	}
	if !slices.Contains(openFiles(t, p.cmd.Process.Pid), target) {
		t.Fatalf("Caddy does not have %s", target)
	}
	var plugins []int
	waitFor(t, "the plugin's process is there", 30*time.Second, func() bool {
		plugins = p.children(t)
		return len(plugins) > 0
	})
	for _, pid := range plugins {
		if open := openFiles(t, pid); slices.Contains(open, target) {
			t.Errorf("the plugin has Caddy's listening socket %s: %v", target, open)
		}
	}
}
