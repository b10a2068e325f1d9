package pluginhost

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// withTrace tells the plugin which span the call belongs to, if there is one.
func withTrace(ctx context.Context) context.Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return metadata.AppendToOutgoingContext(ctx, handlerv1.TraceParentKey, carrier.Get("traceparent"))
}
