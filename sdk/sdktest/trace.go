package sdktest

import (
	"context"

	"google.golang.org/grpc/metadata"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// WithTraceParent makes a context for [Host.Handle] of a delivery that is traced: [sdk.TraceParent] gives the handler
// traceParent, which looks like "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".
func WithTraceParent(ctx context.Context, traceParent string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, handlerv1.TraceParentKey, traceParent)
}
