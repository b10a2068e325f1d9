package traces

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestParentOf(t *testing.T) {
	sampled := trace.SpanContextConfig{TraceID: trace.TraceID{1, 15: 2}, SpanID: trace.SpanID{3, 7: 4}, TraceFlags: trace.FlagsSampled}
	notSampled, noSpan, noTrace := sampled, sampled, sampled
	notSampled.TraceFlags, noSpan.SpanID, noTrace.TraceID = 0, trace.SpanID{}, trace.TraceID{}
	for name, tc := range map[string]struct {
		config trace.SpanContextConfig
		want   buffer.TraceParent
	}{
		"sampled":     {sampled, buffer.TraceParent{TraceID: sampled.TraceID, SpanID: sampled.SpanID, Flags: 1}},
		"not sampled": {notSampled, buffer.TraceParent{}},
		"no span":     {noSpan, buffer.TraceParent{}},
		"no trace":    {noTrace, buffer.TraceParent{}},
		"none":        {trace.SpanContextConfig{}, buffer.TraceParent{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := ParentOf(trace.NewSpanContext(tc.config))
			if got != tc.want {
				t.Fatalf("got %+v, want %+v", got, tc.want)
			}
			back := SpanOf(got)
			if back.IsValid() != (name == "sampled") {
				t.Errorf("what is stored is %+v", back)
			}
			if ParentOf(back) != got {
				t.Errorf("it comes back as %+v", ParentOf(back))
			}
		})
	}
}

func TestTextIsBounded(t *testing.T) {
	got := Text(EventType, strings.Repeat("ä\n", 1000)).Value.AsString()
	if len(got) > 4*maxText || strings.ContainsAny(got, "\nä") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
