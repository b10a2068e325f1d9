package receiver

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traces"
)

// beginReceive begins the span of a request that is traced, below Caddy's own, and returns the request that carries it.
// The span is nil where the request is not traced: then it costs a look at the context.
func beginReceive(r *http.Request) (*http.Request, trace.Span) {
	caddys := trace.SpanFromContext(r.Context())
	if !caddys.IsRecording() {
		return r, nil
	}
	ctx, span := traces.Tracer(caddys.TracerProvider()).Start(r.Context(), traces.Receive)
	return r.WithContext(ctx), span
}

// endReceive ends the span with what became of the request. Nothing that is not signed is in it, and of what a person
// could be known by nothing at all.
func (g *Gate) endReceive(span trace.Span, o *outcome, s *scratch, f rejection) {
	if span == nil {
		return
	}
	list := append(make([]attribute.KeyValue, 0, 8), traces.System, traces.SourceName.String(g.Source),
		semconv.MessagingMessageBodySize(len(s.body)))
	list = appendText(list, traces.EventType, o.eventType)
	list = appendText(list, semconv.MessagingMessageIDKey, o.eventID)
	list = appendText(list, traces.DeliveryID, s.event.DeliveryID)
	span.SetAttributes(append(list, traces.Outcome.String(spanOutcome(o, f.refusal)))...)
	endRefused(span, f.refusal)
}

func spanOutcome(o *outcome, f *refusal) string {
	if f != nil {
		return "refused"
	}
	return o.result
}

// appendText leaves out what is empty.
func appendText(list []attribute.KeyValue, key attribute.Key, value string) []attribute.KeyValue {
	if value == "" {
		return list
	}
	return append(list, traces.Text(key, value))
}

// endRefused ends a span, with the refusal if there is one. Only an event that may be lost is an error of this end.
func endRefused(span trace.Span, f *refusal) {
	if f != nil {
		span.SetAttributes(traces.Refusal.String(f.code))
		if f.kind == notStored {
			span.SetAttributes(semconv.ErrorTypeKey.String(f.code))
			span.SetStatus(codes.Error, f.message)
		}
	}
	span.End()
}

// beginAppend begins the span of an append in a traced request, and has the event keep it: the spans of its deliveries
// refer to it. It is nil where the request is not traced.
func beginAppend(r *http.Request, ev *buffer.Event) trace.Span {
	receiving := trace.SpanFromContext(r.Context())
	if !receiving.IsRecording() {
		return nil
	}
	_, span := traces.Tracer(receiving.TracerProvider()).Start(r.Context(), traces.Append,
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			traces.System, semconv.MessagingOperationTypeSend, semconv.MessagingOperationName("append"),
			semconv.MessagingDestinationName(ev.Source), traces.SourceName.String(ev.Source),
			traces.Text(semconv.MessagingMessageIDKey, ev.ID)))
	ev.TraceParent = traces.ParentOf(span.SpanContext())
	return span
}

// endAppend ends the span of an append.
func endAppend(span trace.Span, err error) {
	if span == nil {
		return
	}
	var f *refusal
	if err != nil {
		f = storeRefusal(err)
	}
	endRefused(span, f)
}
