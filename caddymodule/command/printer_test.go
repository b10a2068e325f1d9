package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// golden holds what a command prints against testdata/command.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// released is a version as Caddy built by xcaddy says it.
var released = api.Version{Version: "v1.0.0"}

// terminal prints as on one of 80 columns.
func terminal(out io.Writer) printer { return printer{out: out, zone: time.UTC, width: screen} }

func fleetHandler(name string) engine.HandlerStatus {
	return engine.HandlerStatus{
		Name: name, Place: "/etc/caddy/handlers.hcl:3",
		Plugin:   pluginhost.State{Up: true, PID: 4711, Since: noon.Add(-50 * time.Hour), PluginName: "jsonl", Version: "1.0.0"},
		Dispatch: dispatch.Stats{Up: true, Breaker: dispatch.BreakerStats{State: dispatch.BreakerClosed, Since: noon.Add(-50 * time.Hour)}},
	}
}

func usualBuffer() buffer.Stats {
	return buffer.Stats{Path: "/var/lib/smartcar", First: 1001, Last: 1_234_567, Bytes: 3 << 30, Appended: 1_200_000, Syncs: 40_000}
}

// deadLettersOf died one after another, the last of them a while ago.
func deadLettersOf(n int, handler string, reason buffer.Reason, code string, ago time.Duration) []buffer.DeadLetter {
	list := make([]buffer.DeadLetter, n)
	for i := range list {
		at := noon.Add(-ago - time.Duration(n-1-i)*time.Second)
		list[i] = buffer.DeadLetter{ID: letterTime(at), Handler: handler, Reason: reason, HandlerReason: code, DiedAt: at}
	}
	return list
}

// letters lists dead letters as the engine does.
type letters []buffer.DeadLetter

func (l letters) DeadLetters(context.Context, engine.Filter, buffer.DeadLetterID, int) (engine.DeadLetterPage, error) {
	return engine.DeadLetterPage{DeadLetters: l}, nil
}

func (l letters) DeadLettersSince(_ context.Context, t time.Time) (buffer.DeadLetterID, error) {
	return letterTime(t), nil
}

// letterTime is an id that sorts by the time of death.
func letterTime(t time.Time) buffer.DeadLetterID {
	return buffer.DeadLetterID(fmt.Sprintf("%020d", t.UnixNano()))
}

// watching has seen these dead letters.
func watching(list letters) *status.DeadLetterWatch {
	w := new(status.DeadLetterWatch)
	w.Look(context.Background(), noon, list, uint64(len(list)))
	return w
}

// quiet is a status in which all is well.
func quiet() api.Status {
	counts := traffic.Counters{Since: noon.Add(-50 * time.Hour)}
	counts.Source("production").Stored.Add(1_199_999)
	counts.Source("production").Duplicate.Add(312)
	counts.Source("production").NoteStored(noon.Add(-2 * time.Second))
	counts.Source("production").Refuse("signature_mismatch", noon.Add(-30*time.Hour), true)
	archive, crm := fleetHandler("archive"), fleetHandler("crm")
	archive.Dispatch.Delivered = 1_199_990
	crm.Waiting, crm.Oldest, crm.Dispatch.InFlight = 12, noon.Add(-3*time.Second), 4
	return status.Make(noon, engine.Status{
		Receiving: engine.ReceivingOpen, Buffer: usualBuffer(), Handlers: []engine.HandlerStatus{archive, crm},
	}, &counts, new(status.DeadLetterWatch), buffer.Limits{MaxSize: 10 << 30, Retention: 7 * 24 * time.Hour}, selfAsked(selfcheck.Reached, ""))
}

// selfAsked is what came of asking the receiver.
func selfAsked(state selfcheck.State, why string) status.Receivers {
	return status.Receivers{Checks: []selfcheck.Result{{
		Target: selfcheck.Target{Source: "production", Network: "tcp", Address: "127.0.0.1:443", TLS: true, Host: "hooks.example.com", Path: "/webhooks/smartcar"},
		State:  state, At: noon.Add(-20 * time.Second), Why: why, Do: "do something",
	}}}
}

// night is what wakes people: one handler's application is down, the others go on.
func night() api.Status {
	counts := traffic.Counters{Since: noon.Add(-50 * time.Hour)}
	counts.Source("production").Stored.Add(1_200_000)
	counts.Source("production").Duplicate.Add(312)
	archive, crm := fleetHandler("archive"), fleetHandler("crm")
	archive.Dispatch.Delivered = 1_199_990
	crm.Plugin.PluginName, crm.Dispatch.Delivered, crm.Dispatch.Retried, crm.Dispatch.Dead = "http", 1_179_840, 41, 17
	crm.Dispatch.Stale, crm.Dispatch.Future = 2_048, 12
	crm.Dispatch.Breaker = dispatch.BreakerStats{
		State: dispatch.BreakerOpen, Since: noon.Add(-12 * time.Minute), Until: noon.Add(40 * time.Second), Why: "the handler is unavailable: 127.0.0.1:3000: connection refused", Reported: "127.0.0.1:3000: connection refused",
	}
	crm.Dispatch.WaitingLanes, crm.Dispatch.NextDue, crm.Consumer.Deferred = 3, noon.Add(40*time.Second), 5
	crm.Waiting, crm.Oldest = 20_133, noon.Add(-12*time.Minute)
	stats := usualBuffer()
	stats.DeadLetters = 17
	dead := watching(deadLettersOf(17, "crm", buffer.ReasonRejected, "http_404", 20*time.Minute))
	return status.Make(noon, engine.Status{Receiving: engine.ReceivingOpen, Buffer: stats, Handlers: []engine.HandlerStatus{archive, crm}},
		&counts, dead, buffer.Limits{MaxSize: 10 << 30, Retention: 7 * 24 * time.Hour}, selfAsked(selfcheck.Reached, ""))
}

// trouble is a status in which everything is wrong at once.
func trouble() api.Status {
	counts := traffic.Counters{Since: noon.Add(-50 * time.Hour)}
	counts.Source("production").Stored.Add(1_200_000)
	dead := watching(deadLettersOf(17, "crm", buffer.ReasonExhausted, "", time.Minute))
	counts.Outage.Refused(noon.Add(-4*time.Minute), fmt.Errorf("%w: events that are not settled fill max_size", buffer.ErrFull))
	for range 321 {
		counts.Source("production").Refuse("buffer_full", noon.Add(-time.Second), false)
	}
	long := fleetHandler("a_handler_with_quite_a_long_name")
	long.Plugin = pluginhost.State{Since: noon.Add(-2 * time.Minute), Restarts: 17, LastError: "exit status 2:\npanic: runtime error: index out of range [3] with length 3, goroutine 12 [running]"}
	long.Waiting, long.Oldest = 1_048_576, noon.Add(-30*time.Hour)
	crm := fleetHandler("crm")
	crm.Dispatch.Breaker = dispatch.BreakerStats{
		State: dispatch.BreakerOpen, Since: noon.Add(-12 * time.Minute), Until: noon.Add(40 * time.Second),
		Why: "POST http://127.0.0.1:3000/: connection refused",
	}
	crm.Dispatch.WaitingLanes, crm.Dispatch.Dead = 812, 17
	crm.Waiting, crm.Oldest, crm.Consumer.Deferred = 20_133, noon.Add(-12*time.Minute), 900
	paused := fleetHandler("billing")
	paused.PausedSince, paused.Waiting, paused.Oldest = noon.Add(-time.Hour), 3, noon.Add(-59*time.Minute)
	stats := usualBuffer()
	stats.Bytes, stats.DeadLetters, stats.Corrupt = 10<<30, 17, 1
	stats.Full = buffer.ErrFull
	return status.Make(noon, engine.Status{
		Receiving: engine.ReceivingOpen, Buffer: stats, Handlers: []engine.HandlerStatus{long, crm, paused},
		Removed: []buffer.ConsumerInfo{{Name: "old_crm", ConsumerStats: buffer.ConsumerStats{Pending: 44}, Oldest: noon.Add(-70 * time.Hour), OrphanedSince: noon.Add(-72 * time.Hour), LetGoAt: noon.Add(96 * time.Hour)}},
		Replays: []replay.Job{
			{ID: "260301114500-abcd", Handler: "crm", Kind: replay.KindEvents, State: replay.StateRunning, First: 1, Last: 1000, Cursor: 450, Fed: 400, Unwanted: 50, Rate: 100},
			{ID: "260301100000-efgh", Handler: "crm", State: replay.StateFailed, Error: "storing: no room"},
		},
	}, &counts, dead, buffer.Limits{MaxSize: 10 << 30, Retention: 7 * 24 * time.Hour}, status.Receivers{})
}

func TestStatusScreen(t *testing.T) {
	empty := status.Make(noon, engine.Status{Receiving: engine.ReceivingOpen}, new(traffic.Counters), new(status.DeadLetterWatch), buffer.Limits{}, status.Receivers{})
	closed := func(s engine.Status) api.Status {
		return status.Make(noon, s, new(traffic.Counters), new(status.DeadLetterWatch), buffer.Limits{MaxSize: 10 << 30}, status.Receivers{})
	}
	opening := closed(engine.Status{Receiving: engine.ReceivingOpening, Since: noon.Add(-3 * time.Second)})
	failed := closed(engine.Status{
		Receiving: engine.ReceivingFailed, Error: errors.New("buffer cannot be opened: opening buffer /data/smartcar: permission denied"),
		Since: noon.Add(-3 * time.Minute), NextTry: noon.Add(time.Second),
		Handlers: []engine.HandlerStatus{{Name: "crm", Place: "handlers.hcl:1", Starting: true}},
	})
	unchecked := status.Make(noon, engine.Status{Receiving: engine.ReceivingOpen}, new(traffic.Counters), new(status.DeadLetterWatch), buffer.Limits{},
		selfAsked(selfcheck.Unchecked, "its listener may want a client certificate (no answer)"))
	locked := status.Make(noon, engine.Status{Receiving: engine.ReceivingOpen}, new(traffic.Counters), new(status.DeadLetterWatch), buffer.Limits{},
		selfAsked(selfcheck.Elsewhere, "something else answers, with status 401: authentication before the receiver"))
	for name, v := range map[string]api.Status{
		"quiet": quiet(), "night": night(), "trouble": trouble(), "empty": empty, "opening": opening, "failed": failed,
		"unchecked": unchecked, "locked": locked,
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			v.Version = released
			if err := terminal(&out).status(&v); err != nil {
				t.Fatal(err)
			}
			golden(t, "status-"+name, out.String())
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if len(lines) >= 24 {
				t.Errorf("%d lines do not fit on a screen with a prompt", len(lines))
			}
			for _, line := range lines {
				if n := utf8.RuneCountInString(line); n > screen {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		})
	}
}

// What to do is never cut off, and without a terminal nothing is.
func TestAdviceIsWhole(t *testing.T) {
	v := trouble()
	long, failing := fleetHandler(strings.Repeat("n", handlerWidth)), fleetHandler("crm")
	long.PausedSince, long.Waiting = noon, 1
	failing.Error = errors.New("x")
	var slow traffic.Counters
	slow.Outage.Refused(noon, context.DeadlineExceeded)
	for _, s := range []engine.Status{
		{Receiving: engine.ReceivingHalted}, {Receiving: engine.ReceivingFailed}, {Receiving: engine.ReceivingClosed},
		{Receiving: engine.ReceivingOpen, Buffer: buffer.Stats{Full: buffer.ErrFull}},
		{Receiving: engine.ReceivingOpen, Buffer: buffer.Stats{Full: buffer.ErrNoSpace}},
		{Receiving: engine.ReceivingOpen, Handlers: []engine.HandlerStatus{long, failing}},
	} {
		more := status.Make(noon, s, &slow, new(status.DeadLetterWatch), buffer.Limits{}, status.Receivers{}).Attention
		if len(more) == 0 {
			t.Errorf("%+v needs nobody", s)
		}
		v.Attention = append(v.Attention, more...)
	}
	p := terminal(io.Discard)
	p.at = " --address unix//run/caddy/admin.sock"
	for _, a := range v.Attention {
		for _, line := range p.attentionLines(a, false) {
			if n := utf8.RuneCountInString(line); n > screen || strings.Contains(line, "…") {
				t.Errorf("%d columns: %s", n, line)
			}
		}
		a.What += strings.Repeat(" and so on", 100)
		if lines := (printer{}).attentionLines(a, false); len(lines) != 2 || lines[0][2:] != text.Clean(a.What) || lines[1][2:] != a.Do {
			t.Errorf("without a terminal: %q", lines)
		}
	}
	var out bytes.Buffer
	if err := (printer{out: &out, zone: time.UTC}).status(&v); err != nil || strings.Contains(out.String(), "…") {
		t.Errorf("without a terminal something is cut: %v\n%s", err, out.String())
	}
}

func TestWrap(t *testing.T) {
	for name, tt := range map[string]struct {
		text        string
		width, most int
		want        []string
	}{
		"fits":           {"a b", 3, 3, []string{"a b"}},
		"between words":  {"one two three", 8, 3, []string{"one two", "three"}},
		"a long word":    {"abcdefghij", 4, 3, []string{"abcd", "efgh", "ij"}},
		"too much":       {"one two three four", 7, 2, []string{"one two", "three …"}},
		"no terminal":    {"one two three four", 0, 2, []string{"one two three four"}},
		"nothing":        {"", 4, 2, []string{""}},
		"not yet cut":    {"one two", 7, 1, []string{"one two"}},
		"steers nothing": {"a\x1b[31m\nb", 80, 1, []string{"a?[31m b"}},
	} {
		if diff := cmp.Diff(tt.want, wrap(tt.text, tt.width, tt.most)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Commands that are printed find the same Caddy.
func TestLocated(t *testing.T) {
	p := printer{at: " --address x"}
	for text, tt := range map[string]struct {
		commands []string
		want     string
	}{
		"put it back, or let go: caddy smartcar forget old": {
			[]string{"caddy smartcar forget old"}, "put it back, or let go: caddy smartcar forget old --address x"},
		"caddy smartcar dead-letters, then: dead-letters replay or drop": {
			[]string{"caddy smartcar dead-letters"}, "caddy smartcar dead-letters --address x, then: dead-letters replay or drop"},
		"to go on: caddy smartcar replay resume 1-a; or leave it": {
			[]string{"caddy smartcar replay resume 1-a"}, "to go on: caddy smartcar replay resume 1-a --address x; or leave it"},
		"caddy smartcar dead-letters --handler a; hold: caddy smartcar pause a.": {
			[]string{"caddy smartcar dead-letters --handler a", "caddy smartcar pause a"},
			"caddy smartcar dead-letters --handler a --address x; hold: caddy smartcar pause a --address x."},
		"look at the disk": {nil, "look at the disk"},
	} {
		if got := p.located(text, tt.commands); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
		if got := (printer{}).located(text, tt.commands); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestHandlerDescription(t *testing.T) {
	one := night()
	one.Handlers = one.Handlers[1:]
	waiting := quiet()
	waiting.Handlers = waiting.Handlers[1:]
	crm := &waiting.Handlers[0]
	crm.State, crm.LastError = "waiting", "POST http://127.0.0.1:3000/: 500"
	crm.Retrying = api.Retrying{Lanes: 1, Parked: 1, Events: 3, NextDue: noon.Add(8 * time.Second)}
	for name, v := range map[string]api.Status{"quiet": quiet(), "night": one, "trouble": trouble(), "waiting": waiting} {
		var out bytes.Buffer
		p := terminal(&out)
		for i := range v.Handlers {
			if err := p.handler(&v.Handlers[i]); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&out)
		}
		golden(t, "handlers-"+name, strings.TrimSuffix(out.String(), "\n"))
	}
}

func TestTables(t *testing.T) {
	received := noon.Add(-time.Minute)
	event := api.Event{
		Position: 1234, Source: "production", ID: "0b6f7a3e-6c1e-4a55-9f5f-5d1f0f6b1c11", Type: "VEHICLE_STATE", Mode: "LIVE",
		VehicleID: "1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a10", WebhookID: "w-1", ReceivedAt: received, SizeBytes: 5012,
	}
	odd := api.Event{Position: 1235, Source: "production", ID: "sha256-\x1b[31mred", ReceivedAt: received}
	old := event
	old.Position, old.ReceivedAt, old.ID = 1236, noon.Add(-50*time.Hour), "5f0c1a9e-77d2-4c1b-8f8e-0a4b7c9d2e33"
	tries := api.RetryState{
		Attempts: 12, FirstAt: noon.Add(-time.Hour), LastAt: noon, FirstError: "http_500", LastError: "http_500: the CRM says no",
	}
	letter := api.DeadLetter{ID: "2uik3m5bk0000000000000004qhn4rb", Handler: "crm", Reason: "exhausted", RetryState: tries, DiedAt: noon, Event: event}
	crashed := api.DeadLetter{ID: "2uik3m5bk0g00000000000004qhn4rb", Handler: "crm", Reason: "poison", DiedAt: noon, Event: event, RetryState: api.RetryState{
		Crashes: 3, LastError: "exit status 2\npanic: index out of range\n\x1b]0;title\x07goroutine 1",
	}}
	payload := api.Content{UserID: "u-1", DeliveryID: "d-1", Payload: api.RawJSON(`{"eventId":"0b6f7a3e","data":{"signals":[]}}`)}
	tests := map[string]func(p printer) error{
		"events": func(p printer) error {
			return p.events(api.Page[api.Event]{Items: []api.Event{event, odd, old}, NextCursor: "ZTEyMzU"}, noon)
		},
		"events-wide": func(p printer) error {
			p.wide = true
			return p.events(api.Page[api.Event]{Items: []api.Event{event, old}}, noon)
		},
		"events-shown": func(p printer) error {
			return p.events(api.Page[api.Event]{Items: []api.Event{event, old}, NextCursor: "ZTEyMzU"}, noon)
		},
		"no-events": func(p printer) error { return p.events(api.Page[api.Event]{}, noon) },
		"dead-letters": func(p printer) error {
			return p.letters(api.Page[api.DeadLetter]{Items: []api.DeadLetter{letter, crashed}}, noon)
		},
		"dead-letters-wide": func(p printer) error {
			p.width = 0
			return p.letters(api.Page[api.DeadLetter]{Items: []api.DeadLetter{letter, crashed}}, noon)
		},
		"removed": func(p printer) error {
			v := trouble()
			return p.removed(&v.Removed[0])
		},
		"replays": func(p printer) error {
			v := trouble()
			return p.replays(v.Replays)
		},
		"dead-letters-drop": func(p printer) error {
			p.counted(&api.DeadLetterCount{DryRun: true, Matched: 17, ByHandler: map[string]int{"crm": 15, "": 2}, ByReason: map[string]int{"exhausted": 15, "unreadable": 2}})
			return nil
		},
		"replay": func(p printer) error {
			p.countedEvents(&api.EventCount{Matched: 1204, Oldest: noon.Add(-6 * time.Hour), Newest: noon}, "crm")
			job := api.Replay{ID: "260301120000-k3fq", Handler: "crm", State: "running", Share: 0.41, Fed: 480, Unwanted: 12}
			for range 2 {
				fmt.Fprintln(p.out, replayLine(job))
				job.State, job.Share, job.Fed, job.Unwanted, job.Open = "done", 1, 1180, 19, 5
			}
			return nil
		},
		"pause": func(p printer) error {
			p.ordered(&api.Handler{Name: "crm", PausedSince: noon, Behind: api.Behind{Events: 12}})
			p.ordered(&api.Handler{Name: "crm", State: "ok", Behind: api.Behind{Events: 12}})
			return nil
		},
		"event": func(p printer) error {
			return p.eventDetail(&api.EventDetail{Event: event, Content: payload, Handlers: []api.EventState{
				{Handler: "archive", State: "settled"},
				{Handler: "billing", State: "pending"},
				{Handler: "crm", State: "dead_letter", DeadLetter: "2uik3m5bk0000000000000004qhn4rb", RetryState: tries},
				{Handler: "maps", State: "deferred", RetryState: api.RetryState{Attempts: 2, NextAttemptAt: noon.Add(time.Minute), LastError: "timeout"}},
			}})
		},
		"dead-letter": func(p printer) error {
			return p.deadLetterDetail(&api.DeadLetterDetail{DeadLetter: crashed, Content: payload})
		},
		"dead-letter-unreadable": func(p printer) error {
			l := api.DeadLetter{ID: "0c9k2p", Reason: "unreadable", DiedAt: noon, Event: odd}
			return p.deadLetterDetail(&api.DeadLetterDetail{DeadLetter: l, Content: api.Content{Unreadable: "not a JSON object", PayloadBase64: []byte("hello \x1b[31m")}})
		},
	}
	for name, print := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := print(terminal(&out)); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(out.String(), "\x1b\x07") {
				t.Error("what came from outside steers the terminal")
			}
			golden(t, name, out.String())
		})
	}
}

// Where the buffer lies is said where there is room for it.
func TestStatusNamesTheBuffersFolder(t *testing.T) {
	for width, want := range map[int]bool{0: true, 80: true, 40: false} {
		p := printer{width: width}
		line := p.bufferLine(&api.Status{Buffer: api.Buffer{Path: "/var/lib/smartcar", Events: 7}})
		if got := strings.HasSuffix(line, ", in /var/lib/smartcar"); got != want {
			t.Errorf("with %d columns: %q", width, line)
		}
	}
}
