package admin

import (
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

func TestLimitsOf(t *testing.T) {
	tests := []struct {
		name   string
		module *disk.Module
		want   status.Limits
	}{
		{"defaults", new(disk.Module), status.Limits{MaxSize: 10 << 30, Retention: 7 * 24 * time.Hour}},
		{"its own", &disk.Module{MaxSize: 1 << 20, Retention: caddy.Duration(time.Hour)}, status.Limits{MaxSize: 1 << 20, Retention: time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := limitsOf(tt.module); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}
