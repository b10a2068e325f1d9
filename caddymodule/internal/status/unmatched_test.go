package status

import (
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// A handler whose when has skipped all that came needs attention, with the place of the when and what came.
func TestAWhenThatFitsNothingNeedsAttention(t *testing.T) {
	skipped := func(change func(*dispatch.Stats)) dispatch.Stats {
		s := dispatch.Stats{Breaker: dispatch.BreakerStats{State: dispatch.BreakerClosed}}
		s.Skipped, s.Unmatched = 1200, dispatch.Unmatched{Events: 1000, Kinds: []dispatch.UnmatchedKind{
			{Type: "VEHICLE_STATE", Source: "production", Events: 990}, {Type: "VEHICLE_ERROR", Source: "production", Events: 8},
			{Type: "x\x1b[31m", Source: "staging", Events: 1}, {Type: "y", Source: "staging", Events: 1},
		}}
		change(&s)
		return s
	}
	tests := map[string]struct {
		stats dispatch.Stats
		want  bool
	}{
		"all skipped":         {skipped(func(*dispatch.Stats) {}), true},
		"just many enough":    {skipped(func(s *dispatch.Stats) { s.Unmatched.Events = manyUnmatched }), true},
		"few":                 {skipped(func(s *dispatch.Stats) { s.Unmatched.Events = manyUnmatched - 1 }), false},
		"one delivered":       {skipped(func(s *dispatch.Stats) { s.Delivered = 1 }), false},
		"one died":            {skipped(func(s *dispatch.Stats) { s.Dead = 1 }), false},
		"one is tried again":  {skipped(func(s *dispatch.Stats) { s.Retried = 1 }), false},
		"one is on its way":   {skipped(func(s *dispatch.Stats) { s.InFlight = 1 }), false},
		"skipped by a plugin": {skipped(func(s *dispatch.Stats) { s.Unmatched = dispatch.Unmatched{} }), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := engine.HandlerStatus{Name: "crm", Place: "/etc/h.hcl:3", WhenPlace: "/etc/h.hcl:5", Dispatch: tt.stats}
			h.Plugin.Up = true
			v := Make(noon, engine.Status{Receiving: engine.ReceivingOpen, Handlers: []engine.HandlerStatus{h}}, new(traffic.Counters),
				new(DeadLetterWatch), buffer.Limits{}, Receivers{})
			if !tt.want {
				if !v.Healthy {
					t.Errorf("%+v", v.Attention)
				}
				return
			}
			if len(v.Attention) != 1 {
				t.Fatalf("%+v", v.Attention)
			}
			const want = "crm has got nothing since its start: its when (/etc/h.hcl:5) has skipped 1,200 events, such as" +
				" 990 VEHICLE_STATE from production, 8 VEHICLE_ERROR from production, 1 x?[31m from staging, and others"
			if a := v.Attention[0]; a.What != want || a.Level != api.LevelWarning || a.Handler != "crm" || !strings.Contains(a.Do, "reload") {
				t.Errorf("%+v, want %q", a, want)
			}
		})
	}
}
