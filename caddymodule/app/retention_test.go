package app

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

func TestShortRetention(t *testing.T) {
	at := hcl.Range{Filename: "handlers.hcl", Start: hcl.Pos{Line: 7}}
	for name, tt := range map[string]struct {
		age, retention time.Duration
		want           bool
	}{
		"longer":         {2 * time.Hour, time.Hour, true},
		"as long":        {time.Hour, time.Hour, false},
		"no park_after":  {0, time.Hour, false},
		"unknown buffer": {time.Hour, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			lines := shortRetention(buffer.Limits{Retention: tt.retention},
				[]handlersfile.Definition{{Name: "h", Range: at, ParkAfter: handlersfile.ParkAfter{Age: tt.age}}})
			if len(lines) > 0 != tt.want || tt.want && !strings.HasPrefix(lines[0], `handlers.hcl:7: handler "h"`) {
				t.Errorf("got %q, want a line: %v", lines, tt.want)
			}
		})
	}
}
