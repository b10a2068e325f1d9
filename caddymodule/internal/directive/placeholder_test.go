package directive

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Who writes a placeholder where none is replaced is told what is.
func TestPlaceholderHint(t *testing.T) {
	for name, read := range map[string]func(*caddyfile.Dispenser) error{
		"size":     func(d *caddyfile.Dispenser) error { _, err := Size(d, "1MiB"); return err },
		"duration": func(d *caddyfile.Dispenser) error { _, err := Duration(d, "1s"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			for value, want := range map[string]bool{"{env.X}": true, "many": false} {
				d := caddyfile.NewTestDispenser("option " + value)
				d.Next()
				err := read(d)
				if err == nil || strings.Contains(err.Error(), "{$NAME} is") != want {
					t.Errorf("%s: %v; want the hint: %v", value, err, want)
				}
			}
		})
	}
}
