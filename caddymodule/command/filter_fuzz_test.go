package command

import (
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// FuzzAbsoluteTime: what the command line takes for a time, the admin API takes too, as the same one.
func FuzzAbsoluteTime(f *testing.F) {
	for _, seed := range []string{"2h", "3d", "0s", "-1h", "2026-03-01T15:04:05Z", "2026-03-01 15:04", "2026-03-01", "290y", "9999999h", "0000-01-01", "106751d"} {
		f.Add(seed)
	}
	now := time.Date(2026, 3, 14, 15, 4, 5, 6, time.FixedZone("x", 5400))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := absoluteTime("--since", text, now)
		if err != nil || text == "" {
			return
		}
		at, err := api.ParseTime("since", got)
		if err != nil {
			t.Fatalf("%q became %q, which the API refuses: %v", text, got, err)
		}
		if again, err := absoluteTime("--since", got, now); err != nil || again != got {
			t.Fatalf("%q became %q: %v", got, again, err)
		}
		if d, err := caddy.ParseDuration(text); err == nil && !at.Equal(now.Add(-d)) {
			t.Fatalf("%q before %v is %v", text, now, at)
		}
	})
}
