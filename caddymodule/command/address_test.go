package command

import (
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
