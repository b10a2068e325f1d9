package status

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/vehicles"
)

// trouble is an engine with something of everything that needs attention, so that each kind is made.
func trouble(now time.Time) (engine.Status, *traffic.Counters, *DeadLetterWatch, Receivers) {
	up := pluginhost.State{Up: true, Since: noon}
	failing := errors.New("cannot be read")
	s := engine.Status{
		Receiving: engine.ReceivingOpen, Mistake: errors.New("a brace is missing"), Incomplete: failing,
		Buffer: buffer.Stats{
			Path: "/b", Bytes: 95, DiskBytes: 50, DeadLetters: 17, Corrupt: 2, ControlLost: true, FolderMode: 0o777,
			ClockJump: buffer.ClockJump{By: time.Hour, Left: time.Minute},
			Damaged: []buffer.Damaged{
				{Name: "one", Folder: "/b/damaged/one", What: buffer.DamagedLog, Files: 1},
				{Name: "two", Folder: "/b/damaged/two", What: buffer.DamagedStore, Files: 1},
				{Name: "three", Folder: "/b/damaged/three", What: buffer.DamagedLog},
			},
		},
		Handlers: []engine.HandlerStatus{
			{Name: "down", Plugin: pluginhost.State{LastError: "exit status 2"}},
			{Name: "shut", Plugin: up, Dispatch: dispatch.Stats{Breaker: dispatch.BreakerStats{State: dispatch.BreakerOpen, Why: "no database"}}},
			{Name: "trying", Plugin: up, Dispatch: dispatch.Stats{Breaker: dispatch.BreakerStats{State: dispatch.BreakerHalfOpen}}},
			{Name: "stuck", Plugin: up, Error: failing},
			{Name: "wrong", Place: "handlers.hcl:3", Mistaken: true},
			{Name: "held", Plugin: up, PausedSince: noon, Waiting: 3},
			{Name: "moaning", Plugin: pluginhost.State{Up: true, Since: noon, Conditions: []pluginhost.Condition{
				{Name: "disk_slow", Text: "the disk is slow", Advice: "look at it"}, {Name: "refused", Text: "no"},
			}}},
			{Name: "picky", Plugin: up, Dispatch: dispatch.Stats{Unmatched: dispatch.Unmatched{Events: manyUnmatched}}},
		},
		Removed: []buffer.ConsumerInfo{{Name: "gone", OrphanedSince: noon, ConsumerStats: buffer.ConsumerStats{Pending: 4}}},
		Replays: []replay.Job{
			{ID: "1-a", Handler: "down", State: replay.StateFailed}, {ID: "1-b", Handler: "down", State: replay.StateStopped},
			{ID: "1-c", Handler: "down", State: replay.StateStopped},
		},
	}
	counts := new(traffic.Counters)
	for _, source := range []string{"production", "test"} {
		for i := range manyRefused {
			at := now.Add(-refusedFor + refusedFor*time.Duration(i)/(manyRefused-1))
			counts.Source(source).Refuse("signature_mismatch", at, true)
		}
	}
	for _, source := range []string{"live", "live-test"} {
		counts.Source(source).Verified.Add(1)
		for range fewRefused {
			counts.Source(source).RefusedLive(now, "")
		}
	}
	counts.Crowd.Refused(now)
	watch := &DeadLetterWatch{seen: deadLetters{handlers: []handlerDeadLetters{
		{handler: "down", lately: burstOf}, {handler: "shut", lately: burstOf},
	}}}
	silent := func(host string) selfcheck.Result {
		return selfcheck.Result{Target: selfcheck.Target{Source: "production", Host: host, Path: "/hook"}, State: selfcheck.Silent, Do: "look"}
	}
	return s, counts, watch, Receivers{Checks: []selfcheck.Result{silent("a.example"), silent("b.example")}}
}

// quiet is what needs attention since nothing came, or could come.
func quiet() [][]api.Attention {
	loss := api.Source{Name: "production", Loss: api.Loss{Pending: 2, ClockSeconds: 60, RecentlyLost: 1}}
	down := func(state string) *api.Status {
		return &api.Status{At: noon, Downtime: api.Downtime{State: state, Seconds: 300, LostSeconds: 125, Until: noon}}
	}
	v := &api.Status{At: noon, Since: noon.Add(-100 * time.Hour), Receiving: api.Receiving{Healthy: true}}
	alerts := SilenceAlerts{Sources: []string{"production", "test"}, SourceSilent: 24 * time.Hour, SilentShare: 0.2}
	AddVehicles(v, vehicles.Summary{SilentAfter: 24 * time.Hour, Sources: []vehicles.SourceSummary{
		{Source: "production", Vehicles: 20, LastEvent: noon.Add(-30 * time.Hour)},
		{Source: "test", Vehicles: 20, Lately: 20, LatelySilent: 10, LastEvent: noon},
	}}, alerts)
	kept := new(api.Status)
	AddQuarantine(kept, quarantine.Summary{Releasable: 1})
	return [][]api.Attention{
		kept.Attention, pendingAttention(&api.Status{}, &loss), lostAttention(noon, &loss),
		downtimeAttention(down(api.DowntimeOn)), downtimeAttention(down(api.DowntimeOver)), v.Attention,
		UnhandledErrors([]string{"production", "test"}),
	}
}

// Each kind of the list is made, and no other; items that stand side by side have ids of their own.
func TestKindsOfAttention(t *testing.T) {
	s, counts, watch, receivers := trouble(noon)
	made := map[api.AttentionKind]bool{}
	look := func(s engine.Status, counts *traffic.Counters, receivers Receivers) {
		v := Make(noon, s, counts, watch, buffer.Limits{MaxSize: 100}, receivers)
		ids := map[string]bool{}
		for i := range v.Attention {
			a := &v.Attention[i]
			made[a.Kind] = true
			if ids[a.ID()] {
				t.Errorf("two have the id %s", a.ID())
			}
			ids[a.ID()] = true
			if a.Kind == "" || a.What == "" || a.Do == "" || a.Level == "" {
				t.Errorf("%+v", a)
			}
		}
	}
	look(s, counts, receivers)
	look(s, counts, Receivers{None: true})
	for _, receiving := range []engine.Receiving{
		engine.ReceivingHalted, engine.ReceivingFailed, engine.ReceivingOpening, engine.ReceivingClosed,
	} {
		look(engine.Status{Receiving: receiving, Error: errors.New("why")}, new(traffic.Counters), Receivers{})
	}
	look(engine.Status{Receiving: engine.ReceivingOpen, Buffer: buffer.Stats{Full: buffer.ErrFull}}, new(traffic.Counters), Receivers{})
	slow := new(traffic.Counters)
	slow.Outage.Refused(noon, errors.New("the disk is slow"))
	look(engine.Status{Receiving: engine.ReceivingOpen}, slow, Receivers{})

	for _, list := range quiet() {
		for i := range list {
			made[list[i].Kind] = true
			if list[i].Source == "" && list[i].Kind != api.ReceivingGap && list[i].Kind != api.QuarantineReleasable {
				t.Errorf("%+v has no source", list[i])
			}
		}
	}

	known := api.AttentionKinds()
	for _, kind := range slices.Sorted(maps.Keys(made)) {
		if !slices.Contains(known, kind) {
			t.Errorf("%q is made and not in the list", kind)
		}
	}
	for _, kind := range known {
		if !made[kind] && kind.OfStatus() {
			t.Errorf("%q is in the list and never made", kind)
		}
	}
}

// While something lasts its numbers change, and its id does not.
func TestIDsAreStable(t *testing.T) {
	ids := func(now time.Time, more uint64) []string {
		s, counts, watch, receivers := trouble(now)
		s.Buffer.DeadLetters += more
		s.Buffer.Bytes += more
		s.Handlers[5].Waiting += more
		s.Removed[0].Pending += more
		v := Make(now, s, counts, watch, buffer.Limits{MaxSize: 100}, receivers)
		var list []string
		for i := range v.Attention {
			list = append(list, v.Attention[i].ID())
		}
		return list
	}
	if first, later := ids(noon, 0), ids(noon.Add(time.Hour), 2); !slices.Equal(first, later) {
		t.Errorf("first %q\nlater %q", first, later)
	}
}

// What a program that is not ours has said is known apart, since it may be anything.
func TestOwnWordsAreKnownApart(t *testing.T) {
	for _, bundled := range []bool{false, true} {
		h := engine.HandlerStatus{Name: "crm", Bundled: bundled, Plugin: pluginhost.State{LastError: "no such car 1HGCM82633A004352"}}
		v := Make(noon, engine.Status{Receiving: engine.ReceivingOpen, Handlers: []engine.HandlerStatus{h}},
			new(traffic.Counters), new(DeadLetterWatch), buffer.Limits{}, Receivers{})
		want := ""
		if !bundled {
			want = h.Plugin.LastError
		}
		if len(v.Attention) != 1 || v.Attention[0].Said != want {
			t.Errorf("bundled %v: %+v", bundled, v.Attention)
		}
	}
}
