package status

import (
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// MaxAgeNotices says that deliveries are not refused for their age while the system's clock is not believed. sources
// are those whose receivers do.
func MaxAgeNotices(jump buffer.ClockJump, sources []string) []api.Notice {
	if jump.By == 0 || len(sources) == 0 {
		return nil
	}
	return []api.Notice{{
		What: "max_age refuses nothing at " + strings.Join(sources, ", ") + " while the system's clock is not believed",
		Do:   "check the system's time; this ends when the clock is believed again",
	}}
}
