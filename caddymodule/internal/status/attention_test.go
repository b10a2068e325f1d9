package status

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// Every command in advice is among those that find the same Caddy.
func TestAdviceNamesItsCommands(t *testing.T) {
	dead := deadLetters{handlers: []handlerDeadLetters{{handler: "h", lately: burstOf}}}
	list := slices.Concat(
		dead.attention(1),
		attention(&api.Status{At: noon, Removed: []api.RemovedHandler{{Name: "h", Behind: api.Behind{Events: 1}}}}, nil, &deadLetters{}, nil),
		handlerAttention(noon, &api.Handler{Name: "h", State: "paused", Behind: api.Behind{Events: 1}}),
		replayAttention(&api.Replay{ID: "1-a", Handler: "h", State: string(replay.StateFailed)}),
		replayAttention(&api.Replay{ID: "1-a", Handler: "h", State: string(replay.StateStopped)}),
	)
	for _, a := range list {
		rest := a.Do
		for _, c := range a.Commands {
			if !strings.Contains(rest, c) {
				t.Errorf("%q does not name %q", a.Do, c)
			}
			rest = strings.Replace(rest, c, "", 1)
		}
		if strings.Contains(rest, "caddy smartcar") {
			t.Errorf("%q names a command that is not among %q", a.Do, a.Commands)
		}
	}
}
