package status

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// Every command in advice is among those that find the same Caddy.
func TestAdviceNamesItsCommands(t *testing.T) {
	dead := deadLetters{handlers: []handlerDeadLetters{{handler: "h", lately: burstOf}}}
	list := slices.Concat(
		dead.attention(1),
		attention(&api.Status{At: noon, Removed: []api.RemovedHandler{{Name: "h", Behind: api.Behind{Events: 1}}}}, &engine.Status{}, &deadLetters{}, new(traffic.Counters), Receivers{}),
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

// Bodies that found no memory need attention while that is recent, also when all else is well.
func TestCrowdNeedsAttention(t *testing.T) {
	counts := &traffic.Counters{}
	for i := range 1200 {
		counts.Crowd.Refused(noon.Add(time.Duration(i) * 50 * time.Millisecond))
	}
	at := func(now time.Time) api.Status {
		return Make(now, engine.Status{Receiving: engine.ReceivingOpen}, counts, new(DeadLetterWatch), buffer.Limits{}, Receivers{})
	}
	v := at(noon.Add(2 * time.Minute))
	if len(v.Attention) != 1 || v.Healthy || !v.Receiving.Healthy {
		t.Fatalf("%+v, receiving %+v", v.Attention, v.Receiving)
	}
	a := v.Attention[0]
	const want = "bodies in arrival have filled body_memory: 1,200 requests refused with 503 in 59s, the last one 1m00s ago"
	if a.Level != api.LevelWarning || a.What != want || !strings.Contains(a.Do, "raise body_memory") {
		t.Errorf("%+v, want %q", a, want)
	}
	if v := at(noon.Add(time.Hour)); !v.Healthy {
		t.Errorf("an hour later: %+v", v.Attention)
	}
}
