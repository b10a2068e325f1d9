//go:build unix

package app

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// What a service manager has opened is asked where it listens.
func TestDialableDescriptor(t *testing.T) {
	listen := func(network, address string) net.Listener {
		t.Helper()
		ln, err := net.Listen(network, address)
		if err != nil && network == "tcp6" {
			t.Skip("there is no IPv6: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		return ln
	}
	descriptor := func(f *os.File, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return strconv.Itoa(int(f.Fd()))
	}
	everywhere := listen("tcp4", "0.0.0.0:0").(*net.TCPListener)
	loopback := listen("tcp6", "[::1]:0").(*net.TCPListener)
	unix := listen("unix", filepath.Join(t.TempDir(), "s")).(*net.UnixListener)
	datagrams, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	port := func(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

	for name, tt := range map[string]struct{ network, host, want string }{
		"everywhere":             {"fd", descriptor(everywhere.File()), "127.0.0.1:" + port(everywhere)},
		"one address":            {"fd", descriptor(loopback.File()), "[::1]:" + port(loopback)},
		"a unix socket":          {"fd", descriptor(unix.File()), ""},
		"datagrams":              {"fd", descriptor(datagrams.File()), ""},
		"meant for datagrams":    {"fdgram", descriptor(everywhere.File()), ""},
		"a file":                 {"fd", descriptor(os.Open(os.DevNull)), ""},
		"nothing":                {"fd", "1048000", ""},
		"more than there can be": {"fd", "99999999999999999999", ""},
		"no number":              {"fd", "{env.UNSET}", ""},
	} {
		got, ok := dialable(caddy.NetworkAddress{Network: tt.network, Host: tt.host})
		if got.address != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %+v, %v, want %q", name, got, ok, tt.want)
		}
	}
}
