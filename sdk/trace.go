package sdk

import (
	"context"
	"regexp"

	"google.golang.org/grpc/metadata"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// TraceParent gives the span of the delivery that ctx belongs to, in the form of the header traceparent of W3C's Trace
// Context: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01". It is "" where Caddy traces no deliveries, and for
// a context that is not that of a handler's call. All events of a batch have the same.
//
// The SDK links no OpenTelemetry. A handler that does makes its own spans below that one with
//
//	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": sdk.TraceParent(ctx)})
func TraceParent(ctx context.Context) string {
	values := metadata.ValueFromIncomingContext(ctx, handlerv1.TraceParentKey)
	if len(values) != 1 || !traceParent.MatchString(values[0]) {
		return ""
	}
	return values[0]
}

var traceParent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)
