package command

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGivenAddress(t *testing.T) {
	for _, tt := range []struct{ given, want, err string }{
		{"localhost", "localhost:2019", ""},
		{"localhost:2020", "localhost:2020", ""},
		{":2020", ":2020", ""},
		{"[::1]", "[::1]:2019", ""},
		{"[::1]:2020", "[::1]:2020", ""},
		{"http://localhost:2019/config/", "localhost:2019", ""},
		{"http://localhost", "localhost:2019", ""},
		{"unix//run/caddy/admin.sock", "unix//run/caddy/admin.sock", ""},
		{"unix//run/caddy/admin.sock|0600", "unix//run/caddy/admin.sock|0600", ""},
		{"localhost:0", "", "not one port"},
		{"localhost:2019-2021", "", "not one port"},
		{"localhost:x", "", "such as localhost:2019"},
		{"2019", "", "only a port"},
		{"https://localhost", "", "over HTTPS"},
	} {
		t.Run(tt.given, func(t *testing.T) {
			got, err := givenAddress(tt.given)
			if tt.err == "" && (err != nil || got != tt.want) {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !isMisuse(err)) {
				t.Errorf("%s, %v; want %q", got, err, tt.err)
			}
		})
	}
}

// A Caddy with such a config listens on a port that nobody knows.
func TestCheckAddress(t *testing.T) {
	for _, tt := range []struct{ address, err string }{
		{"localhost:2019", ""},
		{"unix//run/caddy/admin.sock|0600", ""},
		{"localhost", "not one port"},
		{"localhost:2019-2020", "not one port"},
		{"localhost:x", "reading the address"},
	} {
		got, err := checkAddress(tt.address)
		if tt.err == "" && (err != nil || got != tt.address) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: %s, %v; want %q", tt.address, got, err, tt.err)
		}
	}
}

func TestDefaultAddress(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "admin.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	plain := filepath.Join(dir, "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, socket, env, want string }{
		{"nothing is there", filepath.Join(dir, "gone"), "", "localhost:2019"},
		{"the socket is there", socket, "", "unix/" + socket},
		{"something else is there", plain, "", "localhost:2019"},
		{"the environment says where", socket, "localhost:2020", "localhost:2020"},
		{"the environment says nothing", socket, "", "unix/" + socket},
		{"the environment names a socket", filepath.Join(dir, "gone"), "unix//run/x.sock", "unix//run/x.sock"},
	} {
		got, err := defaultAddress(tt.socket, func(name string) (string, bool) { return tt.env, name == "CADDY_ADMIN" })
		if err != nil || got != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
	if os.Getuid() == 0 {
		return // nothing is closed to root
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(closed, "admin.sock")
	if got, err := defaultAddress(want, func(string) (string, bool) { return "", false }); err != nil || got != "unix/"+want {
		t.Errorf("in a closed folder: %s, %v", got, err)
	}
}

// With the example for systemd, the commands find Caddy by themselves.
func TestUsualSocketIsThatOfTheUnit(t *testing.T) {
	text, err := os.ReadFile("../../examples/systemd/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\tadmin unix/"+usualSocket+"\n") {
		t.Errorf("the unit's Caddy does not listen at %s", usualSocket)
	}
}
