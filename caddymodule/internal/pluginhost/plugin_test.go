package pluginhost

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func TestPluginComesUpAndHandles(t *testing.T) {
	log := newJournal()
	spec := fakeSpec(t, log, "warn", "picky")
	var schema sdk.Schema
	spec.Configure = func(s sdk.Schema) ([]byte, error) {
		schema = s
		return []byte(`{"url":"http://x"}`), nil
	}
	var explained []sdk.Diagnostic
	spec.Explain = func(d []sdk.Diagnostic) error { explained = d; return nil }
	p := newPlugin(t, spec)

	if p.MaxBatch() != 1 || !p.Wants("ANYTHING") || p.State().Up {
		t.Errorf("before the start: MaxBatch %d, Wants %v, State %+v", p.MaxBatch(), p.Wants("ANYTHING"), p.State())
	}
	ready := make(chan error, 1)
	go func() { ready <- p.Ready(testContext(t)) }()
	mustStart(t, p)
	if err := <-ready; err != nil {
		t.Errorf("Ready: %v", err)
	}

	wantSchema := sdk.Schema{
		Attributes: []sdk.Attribute{{Name: "url", Type: "string", Required: true, Default: []byte(`"x"`)}},
		Blocks: []sdk.Block{{Name: "tls", Nesting: sdk.NestingList, Schema: sdk.Schema{
			Attributes: []sdk.Attribute{{Name: "key", Type: "string", Sensitive: true}}}}},
	}
	if diff := cmp.Diff(wantSchema, schema); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]sdk.Diagnostic{{Warning: true, Summary: "Old style", Path: []string{"url"}}}, explained); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
	log.await(t, "the warning", message("plugin warns about its config"))

	if got := handleOne(t, p, "config").Error; got != `{"url":"http://x"}` {
		t.Errorf("the plugin got the config %s", got)
	}
	if p.MaxBatch() != 7 {
		t.Errorf("MaxBatch = %d, want 7", p.MaxBatch())
	}
	if !p.Wants("VEHICLE_STATE") || p.Wants("VEHICLE_ERROR") {
		t.Error("Wants does not say what the plugin asked for")
	}
	s := p.State()
	if !s.Up || s.PID == 0 || s.Since.IsZero() || s.PluginName != "fake" || s.Version != "1.2.3" || s.LastError != "" || s.Restarts != 0 {
		t.Errorf("State = %+v", s)
	}
	if err := p.Start(testContext(t)); err != nil || p.State().PID != s.PID {
		t.Errorf("a second Start: %v, pid %d, want none and %d", err, p.State().PID, s.PID)
	}
}

func TestHandleResults(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	for _, tt := range []struct {
		name     string
		payloads []string
		want     []dispatch.Result
	}{
		{"done", []string{"x"}, []dispatch.Result{{Status: dispatch.Done}}},
		{"none", nil, []dispatch.Result{}},
		{"each its own", []string{"x", "retry", "reject", "unavailable"}, []dispatch.Result{
			{Status: dispatch.Done},
			{Status: dispatch.Retry, After: 3 * time.Second, Error: "later"},
			{Status: dispatch.Reject, Reason: "invalid_vin", Error: "no"},
			{Status: dispatch.Unavailable, Error: "db"},
		}},
		{"too few", []string{"x", "forget"}, []dispatch.Result{
			{Status: dispatch.Retry, Error: "the plugin gave 1 results for 2 events, so it is not known which of them are finished"},
			{Status: dispatch.Retry, Error: "the plugin gave 1 results for 2 events, so it is not known which of them are finished"},
		}},
		{"too many", []string{"surplus", "x"}, []dispatch.Result{
			{Status: dispatch.Retry, Error: "the plugin gave 3 results for 2 events, so it is not known which of them are finished"},
			{Status: dispatch.Retry, Error: "the plugin gave 3 results for 2 events, so it is not known which of them are finished"},
		}},
		{"unspecified", []string{"unspecified"}, []dispatch.Result{
			{Status: dispatch.Retry, Error: "the plugin gave a result of status 0, which this host does not know"}}},
		{"unknown status", []string{"status99"}, []dispatch.Result{
			{Status: dispatch.Retry, Error: "the plugin gave a result of status 99, which this host does not know"}}},
		{"error of the call", []string{"x", "internal"}, []dispatch.Result{
			{Status: dispatch.Retry, Error: "the plugin failed the call: Internal: panic: nil map"},
			{Status: dispatch.Retry, Error: "the plugin failed the call: Internal: panic: nil map"},
		}},
		{"long text", []string{"essay"}, []dispatch.Result{
			{Status: dispatch.Retry, Error: strings.Repeat("é", (1024-3)/2) + "…"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := p.Handle(testContext(t), deliveries(tt.payloads...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandleHandsOverTheEvent(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	results, err := p.Handle(testContext(t), []dispatch.Delivery{{Attempt: 4, Event: &buffer.Event{
		ID: "e1", Signature: "no\xffutf8", Position: 1 << 60, Body: []byte("echo"),
		ReceivedAt: time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "e1 no\uFFFDutf8 4 1152921504606846976 2026-02-03T04:05:06.000000789Z"
	if got := results[0].Error; got != want {
		t.Errorf("the plugin got %q, want %q", got, want)
	}
}

// A batch that does not fit into one message goes in several, in order.
func TestHandleSplitsLargeBatches(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	large := " " + strings.Repeat("x", 6<<20)
	for _, tt := range []struct {
		name     string
		payloads []string
		want     []dispatch.Status
	}{
		{"all done", []string{"x" + large, "x" + large, "reject" + large, "x"},
			[]dispatch.Status{dispatch.Done, dispatch.Done, dispatch.Reject, dispatch.Done}},
		{"nothing overtakes a retry", []string{"x" + large, "retry" + large, "x" + large, "x"},
			[]dispatch.Status{dispatch.Done, dispatch.Retry, dispatch.Retry, dispatch.Retry}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			results, err := p.Handle(testContext(t), deliveries(tt.payloads...))
			if err != nil {
				t.Fatal(err)
			}
			var got []dispatch.Status
			for _, r := range results {
				got = append(got, r.Status)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandleEndsWithItsContext(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	pid := p.State().PID
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Handle(ctx, deliveries("wait")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Handle past its deadline: %v, want context.DeadlineExceeded", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	if _, err := p.Handle(ctx, deliveries("wait")); !errors.Is(err, context.Canceled) || errors.Is(err, dispatch.ErrDown) {
		t.Errorf("Handle cancelled: %v, want context.Canceled", err)
	}
	if got := p.State().PID; got != pid {
		t.Errorf("a late answer changed the process: pid %d, want %d", got, pid)
	}
}

func TestCallsWithoutProcess(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	if _, err := p.Handle(testContext(t), deliveries("x")); !errors.Is(err, dispatch.ErrDown) {
		t.Errorf("Handle before the start: %v, want dispatch.ErrDown", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Ready(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Ready before the start: %v, want context.Canceled", err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SMARTCAR_TOKEN", "host-secret")
	t.Setenv("TZ", "Europe/Berlin")
	spec := fakeSpec(t, nil)
	spec.Env = []string{"GORACE=atexit_sleep_ms=0", "PGHOST=db.internal", "PLUGIN_PROTOCOL_VERSIONS=99", "PATH=/only/this"}
	p := newPlugin(t, spec)
	mustStart(t, p)
	env := handleOne(t, p, "env").Error
	for _, want := range []string{`"PGHOST=db.internal"`, `"PATH=/only/this"`, `"TZ=Europe/Berlin"`} {
		if !strings.Contains(env, want) {
			t.Errorf("the plugin does not see %s in %s", want, env)
		}
	}
	for _, not := range []string{"host-secret", "PROTOCOL_VERSIONS=99"} {
		if strings.Contains(env, not) {
			t.Errorf("the plugin sees %s in %s", not, env)
		}
	}
}

func TestSDKPlugin(t *testing.T) {
	log := newJournal()
	spec := roleSpec(t, log, "sdk")
	spec.Configure = func(s sdk.Schema) ([]byte, error) {
		if len(s.Attributes) != 1 || s.Attributes[0].Name != "greeting" {
			t.Errorf("schema = %+v", s)
		}
		return []byte(`{"greeting":"moin"}`), nil
	}
	p := newPlugin(t, spec)
	mustStart(t, p)
	p.Supervise()
	if r := handleOne(t, p, "payload"); r.Status != dispatch.Done {
		t.Errorf("result = %+v", r)
	}
	rec := log.await(t, "the handler's line", message("moin"))
	if rec["handler"] != "h1" || rec["level"] != "INFO" {
		t.Errorf("record = %v", rec)
	}
	if attrs, _ := rec["plugin"].(map[string]any); attrs["bytes"] != float64(7) || attrs["event_id"] != "e" {
		t.Errorf("attributes = %v", rec["plugin"])
	}
	first := p.current()
	if _, err := p.Handle(testContext(t), deliveries("crash")); !errors.Is(err, dispatch.ErrDown) {
		t.Errorf("Handle that crashes: %v, want dispatch.ErrDown", err)
	}
	<-first.watched
	if err := p.Ready(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(testContext(t)); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// What a plugin knows of itself only with its config goes before what it said without.
func TestWhatTheConfigDecides(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil, "picky", "late"))
	mustStart(t, p)
	if p.MaxBatch() != 3 || p.Wants("VEHICLE_STATE") || !p.Wants("VEHICLE_ERROR") || len(p.State().EventTypes) != 1 {
		t.Errorf("MaxBatch %d, %+v", p.MaxBatch(), p.State())
	}
}
