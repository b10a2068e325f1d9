package traceexport

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traceexport/collectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExports(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			collector := collectortest.Start(t)
			collector.Setenv(t, protocol)
			t.Setenv("OTEL_SERVICE_NAME", "hooks")
			t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "600000") // the end exports what there is
			e, err := New(t.Context(), attribute.String("webengine.name", "Caddy"))
			if err != nil {
				t.Fatal(err)
			}
			for name, tracer := range map[string]trace.Tracer{"linked": e.Linked(), "others": e.Others()} {
				_, span := tracer.Start(t.Context(), name)
				span.End()
			}
			if err := e.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			spans := collector.Spans()
			if len(spans) != 1 || spans[0].GetName() != "linked" || spans[0].Service != "hooks" {
				t.Errorf("exported %v, want the one that belongs to a sampled trace", spans)
			}
			if !collector.Holds("webengine.name") {
				t.Error("the process is not described")
			}
		})
	}
}

func TestSamplerIsThatOfTheEnvironment(t *testing.T) {
	collector := collectortest.Start(t)
	collector.Setenv(t, "http/protobuf")
	e, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, span := e.Others().Start(t.Context(), "others")
	span.End()
	if err := e.Shutdown(t.Context()); err != nil || len(collector.Spans()) != 1 {
		t.Errorf("%v, exported %v", err, collector.Spans())
	}
}

func TestNowhereToExportTo(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	e, err := New(t.Context())
	if e != nil || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMistakesInTheEnvironment(t *testing.T) {
	for _, variable := range []string{"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "pigeon")
			if e, err := New(t.Context()); e != nil || err == nil {
				t.Errorf("%v, %v", e, err)
			}
		})
	}
}

// A collector that never answers holds up neither a span nor, beyond the time that it is given, the end.
func TestCollectorThatNeverAnswers(t *testing.T) {
	gone := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gone }))
	defer stuck.Close()
	defer close(gone)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", stuck.URL)
	e, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 { // more than the queue takes
		_, span := e.Linked().Start(t.Context(), "linked")
		span.End()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := e.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the end says %v", err)
	}
}
