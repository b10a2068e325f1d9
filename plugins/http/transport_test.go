package http

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// socketPath is one in a folder whose path is short enough for a socket.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "app.sock")
}

// serveOn serves a listener, with HTTP/2 without TLS or HTTP/1.1.
func serveOn(t *testing.T, l net.Listener, h2c bool, h http.HandlerFunc) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	_ = s.Listener.Close()
	s.Listener = l
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(!h2c)
	s.Config.Protocols.SetUnencryptedHTTP2(h2c)
	s.Start()
	t.Cleanup(s.Close)
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Over a unix socket, over HTTP/2 without TLS, and over both, a request is what it is elsewhere.
func TestConnections(t *testing.T) {
	for name, tt := range map[string]struct{ socket, h2c bool }{
		"TCP":                  {false, false},
		"socket":               {true, false},
		"HTTP/2 without TLS":   {false, true},
		"HTTP/2 over a socket": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			config := sdktest.Config{"url": "http://app.example/hook?key=1"}
			var l net.Listener
			if tt.socket {
				path := socketPath(t)
				l = listen(t, "unix", path)
				config["unix_socket"] = path
			} else {
				l = listen(t, "tcp", "127.0.0.1:0")
				config["url"], config["headers"] = "http://"+l.Addr().String()+"/hook?key=1", sdktest.Config{"Host": "app.example"}
			}
			if tt.h2c {
				config["protocol"] = "h2c"
			}
			var mu sync.Mutex
			var seen []string
			serveOn(t, l, tt.h2c, func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, strings.Join([]string{r.Proto, r.Host, r.RequestURI, r.Header.Get(headerSignature), string(body)}, " "))
			})
			host := sdktest.Start(t, Plugin(), config)
			e := sdktest.VehicleState("e", "v")
			for range 3 {
				if r := host.Handle(t.Context(), e)[0]; r.Status != sdk.StatusDone {
					t.Fatalf("%+v", r)
				}
			}
			proto := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[tt.h2c]
			want := strings.Join([]string{proto, "app.example", "/hook?key=1", e.Signature, string(e.Payload)}, " ")
			mu.Lock()
			defer mu.Unlock()
			if len(seen) != 3 || seen[0] != want || seen[2] != want {
				t.Errorf("%q, want %q", seen, want)
			}
		})
	}
}

// A proxy of the environment leads neither to a socket nor to a server for HTTP/2 without TLS.
func TestProxies(t *testing.T) {
	for name, tt := range map[string]struct {
		config config
		want   bool
	}{
		"TCP":                {config{Protocol: protocolAuto}, true},
		"a socket":           {config{Protocol: protocolAuto, UnixSocket: "/run/app.sock"}, false},
		"HTTP/2 without TLS": {config{Protocol: protocolH2C}, false},
	} {
		if got := newTransport(tt.config, nil).Proxy != nil; got != tt.want {
			t.Errorf("%s: a proxy is used: %v", name, got)
		}
	}
}

// A socket without an application costs no event an attempt.
func TestSocketsWithoutAnApplication(t *testing.T) {
	absent := socketPath(t)
	deserted := socketPath(t)
	l := listen(t, "unix", deserted).(*net.UnixListener)
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	forbidden := socketPath(t)
	serveOn(t, listen(t, "unix", forbidden), false, func(http.ResponseWriter, *http.Request) {})
	if err := os.Chmod(forbidden, 0); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		socket string
		want   syscall.Errno
	}{
		"absent":   {absent, syscall.ENOENT},
		"deserted": {deserted, syscall.ECONNREFUSED},
	}
	if os.Getuid() != 0 { // whom no mode keeps out
		tests["forbidden"] = struct {
			socket string
			want   syscall.Errno
		}{forbidden, syscall.EACCES}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": "http://app.example/", "unix_socket": tt.socket})
			got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]
			want := "app.example (" + tt.socket + "): connecting failed: " + tt.want.Error()
			if got.Status != sdk.StatusUnavailable || got.Error != want {
				t.Errorf("%+v, want %s", got, want)
			}
		})
	}
}

// A server that does not speak HTTP/2 without TLS, or ends before it does, is not ready: no event is at fault.
func TestServersWithoutH2C(t *testing.T) {
	http1 := listen(t, "tcp", "127.0.0.1:0")
	serveOn(t, http1, false, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != "PRI" { // with which HTTP/2 begins, and which net/http takes for a request
			t.Errorf("it got a %s", r.Method)
		}
	})
	withTLS := httptest.NewUnstartedServer(http.NotFoundHandler())
	withTLS.Config.ErrorLog = log.New(io.Discard, "", 0)
	withTLS.StartTLS()
	t.Cleanup(withTLS.Close)
	for name, address := range map[string]string{
		"only HTTP/1.1":  http1.Addr().String(),
		"TLS":            withTLS.Listener.Addr().String(),
		"closes at once": raw(t, func(net.Conn) {}),
		"something else": raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 a secret\r\n") }),
		"a byte":         raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "\x00") }),
	} {
		t.Run(name, func(t *testing.T) {
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": "http://" + address, "protocol": "h2c"})
			got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]
			if got.Status != sdk.StatusUnavailable || got.Error != address+": "+errNotH2C.Error() {
				t.Errorf("%+v", got)
			}
		})
	}
}

// An answer over HTTP/2 that breaks off may be the event's fault.
func TestH2CConnectionThatBreaks(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	serveOn(t, l, true, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": "http://" + l.Addr().String(), "protocol": "h2c"})
	if got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]; got.Status != sdk.StatusRetry {
		t.Errorf("%+v", got)
	}
}

func TestConnectionMistakes(t *testing.T) {
	long := "/" + strings.Repeat("x", maxSocketPath)
	for name, tt := range map[string]struct {
		config sdktest.Config
		want   string
	}{
		"a relative socket": {sdktest.Config{"url": "http://a/", "unix_socket": "app.sock"}, "unix_socket: Not the path of a socket"},
		"a socket as a url": {sdktest.Config{"url": "http://a/", "unix_socket": "unix:///run/app.sock"}, "unix_socket: Not the path of a socket"},
		"a long path":       {sdktest.Config{"url": "http://a/", "unix_socket": long}, "at most 103 bytes"},
		"another protocol":  {sdktest.Config{"url": "http://a/", "protocol": "spdy"}, `protocol: Unknown protocol: "spdy" is neither "auto" nor "h2c".`},
		"nearly h2c":        {sdktest.Config{"url": "http://a/", "protocol": "H2C"}, `HTTP/2 without TLS is "h2c"`},
		"HTTP/1.1":          {sdktest.Config{"url": "http://a/", "protocol": "http/1.1"}, "Leave it out"},
		"h2c and https":     {sdktest.Config{"url": "https://a/", "protocol": "h2c"}, "protocol: HTTP/2 without TLS on an https url"},
		"tls and http":      {sdktest.Config{"url": "http://a/", "tls": sdktest.Config{"server_name": "a"}}, "tls: TLS on an http url"},
		"a socket in url":   {sdktest.Config{"url": "unix:///run/app.sock"}, "unix_socket"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sdktest.Open(t, Plugin(), tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
