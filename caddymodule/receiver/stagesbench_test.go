package receiver

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// BenchmarkStages is what an event pays for its two lines of receiving, through Caddy's own logger and writer. floor is
// the least that two lines with these fields cost: zap's encoder and the writer, without what puts the fields together.
func BenchmarkStages(b *testing.B) {
	logger, log := caddyLog(b, os.DevNull)
	rc := &Receiver{Gate: Gate{Source: "default", log: log}}
	o := &outcome{token: 1, result: outcomeStored}
	ev := &buffer.Event{
		ID: "f7333e46-1c7b-4f0e-9a51-d2f1c0a7b9e3", Type: smartcar.TypeVehicleState,
		VehicleID: "a9f1c0d2-5b7e-4e0f-8c51-0f7333e46b9e", DeliveryID: "0a7b9e3f-7333-4e46-9a51-d2f1c01c7b4f",
		Body: make([]byte, 2048),
	}
	r := request(stateBody, "")
	received := func(r *http.Request) {
		rc.logSignature(r, o, ev.ID, ev.Type, ev.DeliveryID)
		rc.logReceived(r, o, ev)
	}
	signature := []zap.Field{
		zap.String("event", string(stage.SignatureVerified)), zap.String("source", rc.Source), zap.Int("token", 1),
		zap.String("event_id", ev.ID), zap.String("event_type", ev.Type), zap.String("delivery_id", ev.DeliveryID),
		zap.String("remote_ip", "127.0.0.1"),
	}
	webhook := append(slices.Clone(signature), zap.String("outcome", outcomeStored), zap.Bool("signature_valid", true),
		zap.String("vehicle_id", ev.VehicleID), zap.Int("payload_bytes", len(ev.Body)))
	for _, bb := range []struct {
		name   string
		stages stage.Set
		f      func(*http.Request)
	}{
		{"none", 0, received},
		{"all", everyStage, received},
		{"floor", 0, func(*http.Request) {
			logger.Info("signature verified", signature...)
			logger.Info("webhook received", webhook...)
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			rc.stages = switchedTo(bb.stages)
			b.ReportAllocs()
			for b.Loop() {
				bb.f(ofCaddy(r))
			}
		})
	}
}

// ofCaddy is a request with what Caddy's server has put into its context.
func ofCaddy(r *http.Request) *http.Request {
	ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "192.0.2.1"})
	return r.WithContext(context.WithValue(ctx, caddyhttp.ExtraLogFieldsCtxKey, new(caddyhttp.ExtraLogFields)))
}

// caddyLog loads a config of Caddy that logs to a file, and returns what it gives modules to log with.
func caddyLog(tb testing.TB, file string) (*zap.Logger, *slog.Logger) {
	tb.Helper()
	config := fmt.Sprintf(`{"admin": {"disabled": true, "config": {"persist": false}}, "logging": {"logs": {"default": {
		"encoder": {"format": "json"}, "writer": {"output": "file", "filename": %q}}}}}`, file)
	if err := caddy.Load([]byte(config), true); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			tb.Error(err)
		}
	})
	ctx := caddy.ActiveContext()
	return ctx.Logger(), ctx.Slogger()
}
