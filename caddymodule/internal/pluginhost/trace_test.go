package pluginhost

import (
	"testing"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
)

func TestWithTrace(t *testing.T) {
	config := trace.SpanContextConfig{TraceID: trace.TraceID{0x4b, 15: 0x36}, SpanID: trace.SpanID{7: 0xb7}}
	sampled := config
	sampled.TraceFlags = trace.FlagsSampled
	for name, tc := range map[string]struct {
		config trace.SpanContextConfig
		want   []string
	}{
		"sampled":     {sampled, []string{"00-4b000000000000000000000000000036-00000000000000b7-01"}},
		"not sampled": {config, []string{"00-4b000000000000000000000000000036-00000000000000b7-00"}},
		"none":        {trace.SpanContextConfig{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := withTrace(trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(tc.config)))
			sent, _ := metadata.FromOutgoingContext(ctx)
			if got := sent["traceparent"]; len(got) != len(tc.want) || len(got) > 0 && got[0] != tc.want[0] {
				t.Errorf("sent %q, want %q", got, tc.want)
			}
		})
	}
}
