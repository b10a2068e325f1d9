package engine

import (
	"context"
	"errors"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traces"
)

// maxLinks bounds the traces that the span of one call refers to. OpenTelemetry's own limit is the same.
const maxLinks = 128

// Tracers make the spans of calls to handlers.
type Tracers struct {
	// Linked is for calls with an event whose request was traced, Others for calls without. Two, since whoever traces
	// one request in a hundred wants to see what became of that one, not of another.
	Linked, Others trace.Tracer
}

// SetTracers has each call to a handler be a span from now on; nil: none is.
func (e *Engine) SetTracers(t *Tracers) { e.tracers.Store(t) }

// Traced reports whether calls to handlers are spans.
func (e *Engine) Traced() bool { return e.tracers.Load() != nil }

// tracedPlugin makes a span of each call. A call comes long after its events' requests, and its events are of many
// traces, so its span begins a trace of its own and refers to theirs.
type tracedPlugin struct {
	Plugin
	name    string
	tracers *atomic.Pointer[Tracers]
}

// Handle implements dispatch.Handler.
func (p *tracedPlugin) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	t := p.tracers.Load()
	if t == nil {
		return p.Plugin.Handle(ctx, batch)
	}
	ctx, span := t.begin(ctx, p.name, batch)
	if span.IsRecording() {
		span.SetAttributes(p.attributes(batch)...)
	}
	results, err := p.Plugin.Handle(ctx, batch)
	endCall(span, len(batch), results, err)
	return results, err
}

func (t *Tracers) begin(ctx context.Context, handler string, batch []dispatch.Delivery) (context.Context, trace.Span) {
	links := linksTo(batch)
	tracer := t.Others
	if len(links) > 0 {
		tracer = t.Linked
	}
	return tracer.Start(ctx, traces.Deliver+handler, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(links...))
}

// linksTo refers to the appends of a batch's events.
func linksTo(batch []dispatch.Delivery) []trace.Link {
	var links []trace.Link
	for _, d := range batch {
		span := traces.SpanOf(d.Event.TraceParent)
		if !span.IsValid() {
			continue
		}
		if len(links) == maxLinks {
			break
		}
		links = append(links, trace.Link{SpanContext: span, Attributes: []attribute.KeyValue{
			traces.Text(semconv.MessagingMessageIDKey, d.Event.ID),
		}})
	}
	return links
}

func (p *tracedPlugin) attributes(batch []dispatch.Delivery) []attribute.KeyValue {
	first := batch[0].Event
	attempt, replays, isOfOneSource := 0, 0, true
	for _, d := range batch {
		attempt = max(attempt, d.Attempt)
		isOfOneSource = isOfOneSource && d.Event.Source == first.Source
		if d.Replay {
			replays++
		}
	}
	list := []attribute.KeyValue{
		traces.System, semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("deliver"),
		semconv.MessagingConsumerGroupName(p.name), semconv.MessagingBatchMessageCount(len(batch)),
		traces.Handler.String(p.name), traces.Text(traces.Plugin, p.State().PluginName), traces.Attempt.Int(attempt),
	}
	if isOfOneSource {
		list = append(list, semconv.MessagingDestinationName(first.Source), traces.SourceName.String(first.Source))
	}
	if replays > 0 {
		list = append(list, traces.Replays.Int(replays))
	}
	if len(batch) == 1 {
		list = append(list, traces.Text(semconv.MessagingMessageIDKey, first.ID), traces.Text(traces.EventType, first.Type))
	}
	return list
}

// endCall ends the span of a call with its results. What a handler says of an error may hold anything, so only the kind
// of the error is told.
func endCall(span trace.Span, events int, results []dispatch.Result, err error) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	if err != nil {
		fail(span, errorType(err))
		return
	}
	var counts struct{ done, retry, reject, unavailable int }
	counts.retry = max(0, events-len(results)) // what has no result comes again
	for _, r := range results {
		switch r.Status {
		case dispatch.Done:
			counts.done++
		case dispatch.Reject:
			counts.reject++
		case dispatch.Unavailable:
			counts.unavailable++
		default:
			counts.retry++
		}
	}
	span.SetAttributes(traces.Done.Int(counts.done), traces.Retry.Int(counts.retry),
		traces.Reject.Int(counts.reject), traces.Unavailable.Int(counts.unavailable))
	switch {
	case counts.unavailable > 0:
		fail(span, "unavailable")
	case counts.reject > 0:
		fail(span, "reject")
	case counts.retry > 0:
		fail(span, "retry")
	}
}

func fail(span trace.Span, kind string) {
	span.SetAttributes(semconv.ErrorTypeKey.String(kind))
	span.SetStatus(codes.Error, kind)
}

// errorType names why a call has no results.
func errorType(err error) string {
	if _, ok := errors.AsType[*dispatch.CrashError](err); ok {
		return "crash"
	}
	switch {
	case errors.Is(err, dispatch.ErrDown):
		return "down"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	return "call_failed"
}
