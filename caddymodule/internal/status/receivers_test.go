package status

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// Receiving is only well where requests come to each receiver, as far as that can be checked.
func TestReceiversOfStatus(t *testing.T) {
	check := func(source string, state selfcheck.State) selfcheck.Result {
		r := selfcheck.Result{Target: selfcheck.Target{Source: source, Host: "hooks.example", TLS: true, Path: "/hook"}, State: state}
		if state != selfcheck.Reached {
			r.Why, r.Do = "why "+source, "do "+source
		}
		return r
	}
	tests := map[string]struct {
		receivers        Receivers
		engine           engine.Receiving
		healthy          bool
		state, what, why string
	}{
		"not known":           {Receivers{}, engine.ReceivingOpen, true, "open", "", ""},
		"not asked yet":       {Receivers{Checks: []selfcheck.Result{check("a", selfcheck.Pending)}}, engine.ReceivingOpen, true, "open", "", ""},
		"reached":             {Receivers{Checks: []selfcheck.Result{check("a", selfcheck.Reached)}}, engine.ReceivingOpen, true, "open", "", ""},
		"cannot be checked":   {Receivers{Checks: []selfcheck.Result{check("a", selfcheck.Unchecked)}}, engine.ReceivingOpen, true, "open", "", ""},
		"one is not reached":  {Receivers{Checks: []selfcheck.Result{check("a", selfcheck.Reached), check("b", selfcheck.Elsewhere)}}, engine.ReceivingOpen, false, "unreached", "b: events do not get to the receiver of https://hooks.example/hook: why b", "why b"},
		"nothing listens":     {Receivers{Checks: []selfcheck.Result{check("a", selfcheck.Silent)}}, engine.ReceivingOpen, false, "unreached", "why a", "why a"},
		"refused":             {Receivers{Checks: []selfcheck.Result{check("a", selfcheck.Refused)}}, engine.ReceivingOpen, false, "unreached", "why a", "why a"},
		"no receiver":         {Receivers{None: true}, engine.ReceivingOpen, false, "no-receiver", "no site of the config has a receiver", "no site"},
		"the buffer is worse": {Receivers{Checks: []selfcheck.Result{check("a", selfcheck.Silent)}}, engine.ReceivingHalted, false, "halted", "no fsync", "no fsync"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := engine.Status{Receiving: tt.engine}
			if tt.engine == engine.ReceivingHalted {
				s.Error = errors.New("no fsync")
			}
			v := Make(noon, s, new(traffic.Counters), new(DeadLetterWatch), buffer.Limits{}, tt.receivers)
			if v.Healthy != tt.healthy || v.Receiving.Healthy != tt.healthy || v.Receiving.State != tt.state || v.Receiving.Why != tt.why && tt.why != "no site" {
				t.Errorf("healthy %v, %+v", v.Healthy, v.Receiving)
			}
			if tt.what == "" {
				return
			}
			a := v.Attention[0]
			if !strings.Contains(a.What, tt.what) || a.Do == "" || (a.Level == api.LevelError) == tt.receivers.None {
				t.Errorf("%+v", v.Attention)
			}
			for _, s := range v.Sources {
				if len(s.SelfChecks) != 1 || s.SelfChecks[0].URL != "https://hooks.example/hook" {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}
