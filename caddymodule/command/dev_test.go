package command

import (
	"strings"
	"testing"
)

// What cannot be meant is said with its flag before anything starts, and no address is repeated.
func TestDevFlags(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"no vehicle", "--vehicles: must be 1 to 1000", []string{"--vehicles", "0"}},
		{"no rate", "--rate: must be more than 0", []string{"--rate", "0"}},
		{"less than none", "--count: must be 0 or more", []string{"--count", "-1"}},
		{"backwards", "--clock-factor: must be more than 0", []string{"--clock-factor", "-1"}},
		{"no address", "--forward-to: must be a whole address", []string{"--forward-to", "localhost:3000/geheim"}},
		{"a password", "--forward-to: must be a whole address", []string{"--forward-to", "http://me:geheim@localhost/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _, err := runIt(append([]string{"dev"}, tt.args...)...)
			if err == nil || !strings.Contains(out, tt.want) || strings.Contains(out, "geheim") {
				t.Errorf("%v, want %q in\n%s", err, tt.want, out)
			}
		})
	}
}
