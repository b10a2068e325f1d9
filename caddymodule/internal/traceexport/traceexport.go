// Package traceexport sends the spans of deliveries to a collector. Caddy's handler `tracing` has a provider of its own
// that nothing else can use, and which a reload may end; this one lives as long as an engine does.
package traceexport

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traces"
)

// Exporter makes spans and exports them in the background: a collector that is away or slow costs spans, and holds up
// nothing. Nil makes none.
type Exporter struct {
	linked, others *sdktrace.TracerProvider
}

// New reads the same OTEL_* variables as Caddy's handler `tracing`, in the same way. about is added to what they say of
// this process. It connects to nothing yet. The exporter is nil where OTEL_TRACES_EXPORTER is "none"; the error is a
// mistake in the variables.
func New(ctx context.Context, about ...attribute.KeyValue) (*Exporter, error) {
	spans, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("making the exporter of traces that the OTEL_ variables of the environment name: %w", err)
	}
	if autoexport.IsNoneSpanExporter(spans) {
		return nil, nil
	}
	process, err := resource.Merge(resource.Default(), resource.NewSchemaless(about...))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("describing this process for traces: %w", err), spans.Shutdown(ctx))
	}
	// One queue for both: what the first has sampled is not sampled again by the second.
	queue := sdktrace.WithSpanProcessor(sdktrace.NewBatchSpanProcessor(spans))
	return &Exporter{
		linked: sdktrace.NewTracerProvider(queue, sdktrace.WithResource(process), sdktrace.WithSampler(sdktrace.AlwaysSample())),
		others: sdktrace.NewTracerProvider(queue, sdktrace.WithResource(process)),
	}, nil
}

// Linked makes spans that belong to a sampled trace, and so are all sampled.
func (e *Exporter) Linked() trace.Tracer { return traces.Tracer(e.linked) }

// Others makes those that do not: OTEL_TRACES_SAMPLER says which are sampled.
func (e *Exporter) Others() trace.Tracer { return traces.Tracer(e.others) }

// Shutdown exports what is left until ctx ends, and ends.
func (e *Exporter) Shutdown(ctx context.Context) error {
	if e == nil {
		return nil
	}
	if err := errors.Join(e.linked.Shutdown(ctx), e.others.Shutdown(ctx)); err != nil {
		return fmt.Errorf("exporting the last spans: %w", err)
	}
	return nil
}
