package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestHandlerState(t *testing.T) {
	tests := []struct {
		name string
		make func(h *engine.HandlerStatus)
		want string
	}{
		{"all is well", func(*engine.HandlerStatus) {}, "ok"},
		{"a vehicle waits for its next attempt", func(h *engine.HandlerStatus) {
			h.Dispatch.WaitingLanes, h.Dispatch.NextDue = 1, noon.Add(time.Minute)
		}, "waiting"},
		{"events are on disk, and due", func(h *engine.HandlerStatus) { h.Dispatch.WaitingLanes = 1 }, "ok"},
		{"breaker", func(h *engine.HandlerStatus) { h.Dispatch.Breaker.State = dispatch.BreakerOpen }, "breaker-open"},
		{"probe", func(h *engine.HandlerStatus) { h.Dispatch.Breaker.State = dispatch.BreakerHalfOpen }, "probing"},
		{"no process", func(h *engine.HandlerStatus) { h.Plugin.Up = false }, "down"},
		{"no consumer", func(h *engine.HandlerStatus) { h.Error = errors.New("x") }, "failing"},
		{"no process, therefore nothing delivered", func(h *engine.HandlerStatus) {
			h.Plugin.Up = false
			h.Error = errors.New("x")
		}, "down"},
		{"outcomes are not stored", func(h *engine.HandlerStatus) { h.Dispatch.StoreError = "x" }, "failing"},
		{"paused", func(h *engine.HandlerStatus) { h.PausedSince = noon }, "paused"},
		{"paused without a process", func(h *engine.HandlerStatus) { h.PausedSince, h.Plugin.Up = noon, false }, "paused"},
		{"to be put to work", func(h *engine.HandlerStatus) { h.Starting, h.Plugin.Up = true, false }, "starting"},
		{"to be put to work, and paused", func(h *engine.HandlerStatus) {
			h.Starting, h.Plugin.Up, h.PausedSince = true, false, noon
		}, "starting"},
		{"pausing", func(h *engine.HandlerStatus) { h.PausedSince, h.Dispatch.InFlight = noon, 1 }, "draining"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := engine.HandlerStatus{Name: "h"}
			h.Plugin.Up, h.Dispatch.Breaker.State = true, dispatch.BreakerClosed
			tt.make(&h)
			if got := HandlerState(noon, &h); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A handler of which events wait for another attempt says why, unless something worse is the matter.
func TestErrorOfAWaitingHandler(t *testing.T) {
	h := engine.HandlerStatus{Name: "h"}
	h.Plugin.Up, h.Dispatch.Breaker.State = true, dispatch.BreakerClosed
	h.Dispatch.WaitingLanes, h.Dispatch.NextDue, h.Dispatch.RetryError = 1, noon.Add(time.Minute), "http_500"
	if v := Handler(noon, &h); v.State != "waiting" || v.LastError != "http_500" || !v.Retrying.NextDue.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v", v)
	}
	h.Dispatch.Breaker.Why = "refused"
	if v := Handler(noon, &h); v.LastError != "refused" {
		t.Errorf("%+v", v)
	}
}

// Each thing that needs attention is told, with its level and what to do; what does not
// is not.
func TestAttention(t *testing.T) {
	up := func(h engine.HandlerStatus) engine.HandlerStatus {
		h.Name, h.Plugin.Up = "crm", true
		return h
	}
	limits := buffer.Limits{MaxSize: 1000, Retention: 24 * time.Hour}
	tests := []struct {
		name         string
		status       engine.Status
		trouble      *traffic.Outage
		level, what  string // "": nothing
		do           string
		commands     []string // where they are checked
		notReceiving bool
	}{
		{name: "all is well", status: engine.Status{Receiving: engine.ReceivingOpen, Handlers: []engine.HandlerStatus{up(engine.HandlerStatus{})}}},
		{
			name: "still opens", status: engine.Status{Receiving: engine.ReceivingOpening, Since: noon.Add(-time.Second)},
			level: api.LevelError, what: "the buffer is still opening", do: "whether the disk hangs", notReceiving: true,
		},
		{
			name: "no handler is known", status: engine.Status{Mistake: errors.New("handlers.hcl:3,1: Unclosed block"), Handlers: []engine.HandlerStatus{
				{Name: "crm", Mistaken: true, Plugin: pluginhost.State{LastError: "handlers.hcl:3,1: Unclosed block"}},
			}},
			level: api.LevelError, what: "no handler runs because of a mistake in the handlers files: handlers.hcl:3", do: "then reload",
		},
		{
			name: "a handler with a mistake", status: engine.Status{Handlers: []engine.HandlerStatus{
				{Name: "crm", Place: "handlers.hcl:3", Mistaken: true, Plugin: pluginhost.State{LastError: "handlers.hcl:5,1: Unknown order"}},
			}},
			level: api.LevelError, what: "crm is down because of a mistake in the handlers files: handlers.hcl:5", do: "then reload",
		},
		{name: "behind", status: engine.Status{Handlers: []engine.HandlerStatus{up(engine.HandlerStatus{Waiting: 10, Oldest: noon.Add(-time.Hour)})}}},
		{
			name: "halted", status: engine.Status{Receiving: engine.ReceivingHalted, Error: errors.New("no fsync")},
			level: api.LevelError, what: "events are refused with 503: no fsync", do: "restart Caddy", notReceiving: true,
		},
		{
			name: "does not open", status: engine.Status{Receiving: engine.ReceivingFailed, Error: errors.New("permission denied")},
			level: api.LevelError, what: "permission denied", do: "tries again each second", notReceiving: true,
		},
		{
			name: "another buffer than was there", status: engine.Status{Receiving: engine.ReceivingFailed, Error: fmt.Errorf("/b is empty: %w", buffer.ErrOtherBuffer)},
			level: api.LevelError, what: "/b is empty", do: "caddy smartcar buffer accept", notReceiving: true,
		},
		{
			name: "full", trouble: &traffic.Outage{Err: buffer.ErrFull, Since: noon}, status: engine.Status{Buffer: buffer.Stats{Full: buffer.ErrFull}},
			level: api.LevelError, what: "buffer is full", do: "max_size", notReceiving: true,
		},
		{
			name: "the disk is full", status: engine.Status{
				Buffer:   buffer.Stats{Full: fmt.Errorf("%w: none left", buffer.ErrNoSpace)},
				Handlers: []engine.HandlerStatus{up(engine.HandlerStatus{Waiting: 70})},
			},
			level: api.LevelError, what: "the disk is short of space: none left", do: "make room on the disk", notReceiving: true,
		},
		{name: "full a moment ago", trouble: &traffic.Outage{Err: buffer.ErrFull, Since: noon}},
		{
			name: "full after a restart, and who holds it", status: engine.Status{
				Buffer: buffer.Stats{Full: buffer.ErrFull, Bytes: 960},
				Handlers: []engine.HandlerStatus{
					up(engine.HandlerStatus{Waiting: 70}), up(engine.HandlerStatus{}),
				},
				Removed: []buffer.ConsumerInfo{{Name: "old", OrphanedSince: noon}},
			},
			level: api.LevelError, what: "the buffer is full, held by crm (behind, 70 events)", do: "forget or drop", notReceiving: true,
		},
		{name: "stopping", status: engine.Status{Receiving: engine.ReceivingClosed, Removed: []buffer.ConsumerInfo{
			{Name: "crm", ConsumerStats: buffer.ConsumerStats{Pending: 3}},
		}}, level: api.LevelError, what: "Caddy is stopping", do: "ask again", notReceiving: true},
		{name: "not at work yet", status: engine.Status{Removed: []buffer.ConsumerInfo{
			{Name: "crm", ConsumerStats: buffer.ConsumerStats{Pending: 3}},
		}}},
		{
			name: "slow disk", trouble: &traffic.Outage{Err: context.DeadlineExceeded, Since: noon},
			level: api.LevelError, what: "deadline", do: "disk's load", notReceiving: true,
		},
		{
			name: "down", status: engine.Status{Handlers: []engine.HandlerStatus{func() engine.HandlerStatus {
				h := up(engine.HandlerStatus{})
				h.Plugin.Up, h.Plugin.LastError = false, "exit status 3"
				return h
			}()}},
			level: api.LevelError, what: "crm is down: exit status 3", do: "fix its plugin, then: caddy smartcar restart crm", commands: []string{"caddy smartcar restart crm"},
		},
		{
			name: "breaker", status: engine.Status{Handlers: []engine.HandlerStatus{up(engine.HandlerStatus{Dispatch: dispatch.Stats{
				Breaker: dispatch.BreakerStats{State: dispatch.BreakerOpen, Since: noon.Add(-90 * time.Second), Why: "refused"},
			}})}},
			level: api.LevelError, what: "crm has got nothing for 1m30s: refused", do: "fix what it depends on, then: caddy smartcar resume crm", commands: []string{"caddy smartcar resume crm"},
		},
		{
			name: "breaker, just now", status: engine.Status{Handlers: []engine.HandlerStatus{up(engine.HandlerStatus{Dispatch: dispatch.Stats{
				Breaker: dispatch.BreakerStats{State: dispatch.BreakerOpen, Since: noon.Add(-900 * time.Millisecond), Why: "refused"},
			}})}},
			level: api.LevelError, what: "crm has got nothing for less than a second: refused", do: "fix what it depends on, then: caddy smartcar resume crm", commands: []string{"caddy smartcar resume crm"},
		},
		{
			name: "outcomes are not stored", status: engine.Status{Handlers: []engine.HandlerStatus{up(engine.HandlerStatus{Dispatch: dispatch.Stats{StoreError: "disk"}})}},
			level: api.LevelError, what: "crm cannot go on: disk", do: "Caddy's log",
		},
		{
			name:   "paused with a backlog",
			status: engine.Status{Handlers: []engine.HandlerStatus{up(engine.HandlerStatus{PausedSince: noon, Waiting: 1200})}},
			level:  api.LevelWarning, what: "crm is paused, 1,200 events wait", do: "caddy smartcar resume crm",
		},
		{name: "paused without", status: engine.Status{Handlers: []engine.HandlerStatus{up(engine.HandlerStatus{PausedSince: noon})}}},
		{
			name: "dead letters", status: engine.Status{Buffer: buffer.Stats{DeadLetters: 2}},
			level: api.LevelWarning, what: "2 dead letters", do: "caddy smartcar dead-letters",
		},
		{
			name: "nearly full", status: engine.Status{Buffer: buffer.Stats{Bytes: 960}},
			level: api.LevelWarning, what: "96% of its max_size", do: "95%",
		},
		{
			name:   "the clock has jumped",
			status: engine.Status{Buffer: buffer.Stats{ClockJump: buffer.ClockJump{By: 240 * time.Hour, Left: 40 * time.Minute}}},
			level:  api.LevelWarning, what: "the clock has jumped ahead by 10d", do: "40m",
		},
		{
			name: "damaged files are set aside",
			status: engine.Status{Buffer: buffer.Stats{Damaged: []buffer.Damaged{{
				Name: "20261129T121305Z-1", Folder: "/data/damaged/20261129T121305Z-1", Why: "000001.events is missing",
				At: time.Date(2026, 11, 29, 12, 13, 5, 0, time.UTC), Files: 3, Bytes: 5 << 20,
			}}}},
			level: api.LevelError, what: "3 files, 5.0 MiB, since 2026-11-29T12:13:05Z: 000001.events is missing",
			do: "what they hold is not delivered; look with caddy smartcar damaged, then caddy smartcar damaged recover " +
				"20261129T121305Z-1",
		},
		{name: "damaged files are recovered", status: engine.Status{Buffer: buffer.Stats{Damaged: []buffer.Damaged{{
			Files: 3, RecoveredAt: noon}}}}},
		{
			name:   "a damaged store is set aside",
			status: engine.Status{Buffer: buffer.Stats{Damaged: []buffer.Damaged{{What: buffer.DamagedStore, Files: 1}}}},
			level:  api.LevelError, what: "1 file, 0 B", do: "built anew",
		},
		{
			name:   "a damaged file of events is set aside",
			status: engine.Status{Buffer: buffer.Stats{Damaged: []buffer.Damaged{{What: buffer.DamagedLog, Files: 1}}}},
			level:  api.LevelError, what: "1 file, 0 B", do: "among the dead letters",
		},
		{
			name:   "the clock was set back",
			status: engine.Status{Buffer: buffer.Stats{ClockJump: buffer.ClockJump{By: -time.Hour, Left: time.Minute}}},
			level:  api.LevelWarning, what: "the clock has jumped back by 1h", do: "1m",
		},
		{
			name: "limit beyond the disk", status: engine.Status{Buffer: buffer.Stats{DiskBytes: 999}},
			level: api.LevelWarning, what: "max_size is", do: "lower max_size",
		},
		{name: "limit as large as the disk", status: engine.Status{Buffer: buffer.Stats{DiskBytes: 1000}}},
		{
			name: "damage", status: engine.Status{Buffer: buffer.Stats{Corrupt: 1}},
			level: api.LevelError, what: "1 damaged record", do: "disk",
		},
		{
			name: "removed with a backlog",
			status: engine.Status{Removed: []buffer.ConsumerInfo{{
				Name: "old", ConsumerStats: buffer.ConsumerStats{Pending: 3, Deferred: 4}, OrphanedSince: noon.Add(-time.Hour),
				LetGoAt: noon.Add(23 * time.Hour),
			}}},
			level: api.LevelWarning, what: "7 events wait for old, which is in no handlers file, for another 23h00m", do: "forget old",
		},
		{name: "removed without", status: engine.Status{Removed: []buffer.ConsumerInfo{{Name: "old"}}}},
		{
			name:   "failed replay",
			status: engine.Status{Replays: []replay.Job{{ID: "1-a", Handler: "crm", State: replay.StateFailed, Error: "no room"}}},
			level:  api.LevelWarning, what: "replay 1-a to crm failed at 0%: no room", do: "caddy smartcar replay resume 1-a",
		},
		{
			name: "stopped replay", status: engine.Status{Replays: []replay.Job{{ID: "1-a", Handler: "crm", State: replay.StateStopped}}},
			level: api.LevelWarning, what: "replay 1-a to crm was stopped at 0%", do: "caddy smartcar replay resume 1-a; or leave it",
		},
		{name: "replays that run or are done", status: engine.Status{Replays: []replay.Job{{State: replay.StateRunning}, {State: replay.StateDone}}}},
		{
			name: "no figures", status: engine.Status{Incomplete: errors.New("read failed")},
			level: api.LevelError, what: "read failed", do: "disk",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.status.Receiving == "" {
				tt.status.Receiving = engine.ReceivingOpen
			}
			var counts traffic.Counters
			if tt.trouble != nil {
				counts.Outage.Refused(tt.trouble.Since, tt.trouble.Err)
			}
			v := Make(noon, tt.status, &counts, new(DeadLetterWatch), limits, Receivers{})
			if v.Healthy != (tt.level == "") || v.Receiving.Healthy == tt.notReceiving {
				t.Errorf("healthy %v, receiving %+v", v.Healthy, v.Receiving)
			}
			if tt.level == "" {
				if len(v.Attention) != 0 {
					t.Errorf("needs attention: %+v", v.Attention)
				}
				return
			}
			if len(v.Attention) != 1 {
				t.Fatalf("%d things need attention, want 1: %+v", len(v.Attention), v.Attention)
			}
			a := v.Attention[0]
			if a.Level != tt.level || !strings.Contains(a.What, tt.what) || !strings.Contains(a.Do, tt.do) {
				t.Errorf("got %+v, want %s, %q, %q", a, tt.level, tt.what, tt.do)
			}
			if tt.commands != nil && !slices.Equal(a.Commands, tt.commands) {
				t.Errorf("commands %q, want %q", a.Commands, tt.commands)
			}
		})
	}
}

// Times that are not there are left out, not sent as the year 1.
func TestStatusLeavesOutWhatIsNot(t *testing.T) {
	v := Make(noon, engine.Status{Receiving: engine.ReceivingOpen, Handlers: []engine.HandlerStatus{{Name: "h"}}}, new(traffic.Counters), new(DeadLetterWatch), buffer.Limits{}, Receivers{})
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "0001-01-01") || strings.Contains(string(data), "null") {
		t.Errorf("%s", data)
	}
}
