// Package traces has what the spans of receiving and of delivering share: names, attributes, and the way from the one to
// the other through the buffer. It links OpenTelemetry's API, and nothing that exports.
//
// No attribute holds what is personal or secret: no vehicle, user or VIN, no token, signature or body, no text of a
// handler's error.
package traces

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// scope names the code that makes the spans.
const scope = "github.com/caddy-smartcar/caddy-smartcar"

// The names of the spans; a delivery's name ends with its handler's.
const (
	Receive = "smartcar receive"
	Append  = "smartcar append"
	Deliver = "smartcar deliver "
)

// System is messaging.system.
var System = semconv.MessagingSystemKey.String("smartcar")

// The attributes for which there is no convention.
const (
	// EventType is Smartcar's, such as VEHICLE_STATE.
	EventType = attribute.Key("smartcar.event.type")
	// DeliveryID is Smartcar's id of its own attempt.
	DeliveryID = attribute.Key("smartcar.delivery.id")
	// SourceName is that of the receiver.
	SourceName = attribute.Key("smartcar.source")
	// Outcome of a request.
	Outcome = attribute.Key("smartcar.outcome")
	// Refusal is the code of a refused request's answer.
	Refusal = attribute.Key("smartcar.refusal")
	// Handler is the name in the handlers file, Plugin what the plugin says it is.
	Handler = attribute.Key("smartcar.handler")
	Plugin  = attribute.Key("smartcar.plugin")
	// Attempt is that of the event that has had the most.
	Attempt = attribute.Key("smartcar.attempt")
	// Replays counts the events that an operator asked for again.
	Replays = attribute.Key("smartcar.replays")
	// Done, Retry, Reject and Unavailable count results.
	Done        = attribute.Key("smartcar.results.done")
	Retry       = attribute.Key("smartcar.results.retry")
	Reject      = attribute.Key("smartcar.results.reject")
	Unavailable = attribute.Key("smartcar.results.unavailable")
)

// Tracer returns the provider's tracer for this project's spans.
func Tracer(p trace.TracerProvider) trace.Tracer {
	return p.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
}

// maxText is more than any id or type of Smartcar's has.
const maxText = 64

// Text is an attribute of outside text, bounded and in ASCII.
func Text(key attribute.Key, value string) attribute.KeyValue {
	return key.String(text.ASCII(value, maxText))
}

// ParentOf returns what is stored of a span, nothing where it is not sampled: then nobody could follow it.
func ParentOf(c trace.SpanContext) buffer.TraceParent {
	if !c.IsValid() || !c.IsSampled() {
		return buffer.TraceParent{}
	}
	return buffer.TraceParent{TraceID: c.TraceID(), SpanID: c.SpanID(), Flags: byte(c.TraceFlags())}
}

// SpanOf returns the span that is stored; it is not valid where there is none.
func SpanOf(p buffer.TraceParent) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: p.TraceID, SpanID: p.SpanID, TraceFlags: trace.TraceFlags(p.Flags), Remote: true,
	})
}
