package status

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// NotReady returns why an event that came now would not be stored, in one word, "" if it would. A disk hangs when what is
// being written takes longer than patience. It goes by what is now, not by what became of the last event: a load balancer
// that sends nothing more must see when it may again.
func NotReady(s engine.Status, patience time.Duration) (why string) {
	switch {
	case s.Receiving != engine.ReceivingOpen:
		return string(s.Receiving)
	case s.Buffer.Full != nil:
		return api.StateFull
	case s.Buffer.Writing > patience:
		return api.StateHanging
	}
	return ""
}
