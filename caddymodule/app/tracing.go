package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traceexport"
)

// lastSpans is how long the end of an engine waits for a collector.
const lastSpans = time.Second

// prepareTracing makes what exports the spans of deliveries, if this config asks for it. A mistake in the environment
// refuses a config, but not the first one of a process: then webhooks would not be received.
func (a *App) prepareTracing(ctx context.Context) error {
	if !a.Tracing {
		return nil
	}
	err := a.ref.prepareTracing(ctx)
	if err != nil && a.start == ofProcess {
		a.log.Error("deliveries are not traced", slog.Any("error", err),
			slog.String("do", "correct the variable, then restart Caddy"))
		return nil
	}
	return err
}

// prepareTracing makes the exporter if there is none.
func (s *sharedEngine) prepareTracing(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spans != nil {
		return nil
	}
	version, _ := caddy.Version()
	spans, err := traceexport.New(context.WithoutCancel(ctx),
		semconv.WebEngineName(caddyhttp.ServerHeader), semconv.WebEngineVersion(version))
	if err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	s.spans = spans
	return nil
}

// setTracing has deliveries be traced from now on, or not. mu is held.
func (s *sharedEngine) setTracing(on bool) {
	switch {
	case s.spans == nil: // no config has asked for it, or there is nowhere to export to
	case on:
		s.engine.SetTracers(&engine.Tracers{Linked: s.spans.Linked(), Others: s.spans.Others()})
	default:
		s.engine.SetTracers(nil)
	}
}

// endTracing exports the spans of the last deliveries.
func (s *sharedEngine) endTracing() {
	s.mu.Lock()
	spans := s.spans
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), lastSpans)
	defer cancel()
	if err := spans.Shutdown(ctx); err != nil {
		slog.New(s.log.handler()).Warn("the spans of the last deliveries were not all exported",
			slog.String("error", text.FirstLine(err.Error())))
	}
}
