package sdktest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/internal/serve"
)

// HandlerName is the name that the handler has in sdktest, see [sdk.HandlerName].
const HandlerName = "sdktest"

// callTimeout bounds calls for which a test sets no deadline.
const callTimeout = 30 * time.Second

// Host plays the host for one running plugin.
type Host struct {
	t        testing.TB
	client   handlerv1.HandlerServiceClient
	stop     func()
	warnings []sdk.Diagnostic
}

// ConfigError is why a plugin, or its schema, refuses a config.
type ConfigError struct {
	Diagnostics []sdk.Diagnostic
}

// Error joins the diagnostics, a line each, with the path in front.
func (e *ConfigError) Error() string {
	lines := make([]string, 0, len(e.Diagnostics))
	for _, d := range e.Diagnostics {
		line := d.Summary
		if d.Detail != "" {
			line += ": " + d.Detail
		}
		if len(d.Path) > 0 {
			line = strings.Join(d.Path, ".") + ": " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Start runs the plugin with a config and stops it when the test ends. It fails the test when the config is refused;
// [Open] returns the error instead. config is nil, a [Config], or a string, []byte or json.RawMessage of JSON.
func Start(t testing.TB, p *sdk.Plugin, config any) *Host {
	t.Helper()
	h, err := Open(t, p, config)
	if err != nil {
		t.Fatalf("starting plugin %s: %v", p.Name(), err)
	}
	return h
}

// Open is [Start] for tests of the config itself: when the schema or the plugin refuses it, the error is a
// [*ConfigError].
func Open(t testing.TB, p *sdk.Plugin, config any) (*Host, error) {
	t.Helper()
	raw, err := configJSON(config, p.Schema())
	if err != nil {
		return nil, err
	}
	serving, stopServing := context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	plugin, err := serve.InProcess(serving, p.InProcess(), log)
	if err != nil {
		stopServing()
		return nil, err
	}
	conn, err := grpc.NewClient(target(plugin),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallSendMsgSize(handlerv1.MaxMessageBytes), grpc.MaxCallRecvMsgSize(handlerv1.MaxMessageBytes),
		))
	if err != nil {
		stopServing()
		return nil, fmt.Errorf("connecting to plugin %s: %w", p.Name(), err)
	}
	h := &Host{t: t, client: handlerv1.NewHandlerServiceClient(conn)}
	h.stop = sync.OnceFunc(func() {
		_ = conn.Close()
		stopServing()
		<-plugin.Done
	})
	t.Cleanup(h.stop)
	if err := h.configure(raw); err != nil {
		h.stop()
		return nil, err
	}
	return h, nil
}

func target(p *serve.Running) string {
	if p.Addr.Network() == "unix" {
		return "unix:" + p.Addr.String()
	}
	return p.Addr.String()
}

func (h *Host) configure(raw []byte) error {
	ctx, cancel := context.WithTimeout(h.t.Context(), callTimeout)
	defer cancel()
	resp, err := h.client.Configure(ctx, &handlerv1.ConfigureRequest{ConfigJson: raw, Handler: HandlerName})
	if err != nil {
		return fmt.Errorf("calling Configure: %w", err)
	}
	var failed bool
	diags := make([]sdk.Diagnostic, 0, len(resp.GetDiagnostics()))
	for _, d := range resp.GetDiagnostics() {
		warning := d.GetSeverity() == handlerv1.Diagnostic_SEVERITY_WARNING
		failed = failed || !warning
		diags = append(diags, sdk.Diagnostic{Warning: warning, Summary: d.GetSummary(), Detail: d.GetDetail(), Path: d.GetPath()})
	}
	if failed {
		return &ConfigError{Diagnostics: diags}
	}
	h.warnings = diags
	return nil
}

// Warnings are the plugin's warnings about a config that it accepted.
func (h *Host) Warnings() []sdk.Diagnostic { return h.warnings }

// Handle delivers events in one call and returns a result for each. What an event lacks of what every real one has is
// filled in: an id, a position, the first attempt, the time. The events passed are not changed. A failed call fails the
// test.
func (h *Host) Handle(ctx context.Context, events ...*sdk.Event) []sdk.Result {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req := &handlerv1.HandleRequest{}
	for i, e := range events {
		req.Events = append(req.Events, eventToWire(complete(e, i)))
	}
	resp, err := h.client.Handle(ctx, req)
	if err != nil {
		h.t.Fatalf("calling Handle: %v", err)
	}
	if len(resp.GetResults()) != len(events) {
		h.t.Fatalf("Handle gave %d results for %d events", len(resp.GetResults()), len(events))
	}
	results := make([]sdk.Result, 0, len(events))
	for _, r := range resp.GetResults() {
		results = append(results, resultFromWire(r))
	}
	return results
}

// Shutdown stops the plugin as the host does: events in flight are finished, then the handler is closed, all before ctx
// ends. The error is that of closing. Later calls of Handle fail.
func (h *Host) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := h.client.Shutdown(ctx, &handlerv1.ShutdownRequest{})
	h.stop()
	if err != nil {
		return errors.New(statusText(err))
	}
	return nil
}
