package receiver

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traces"
)

// traced puts a request into a span, as Caddy's handler `tracing` does; end ends the span.
func traced(t testing.TB, p trace.TracerProvider, r *http.Request) (_ *http.Request, end func()) {
	t.Helper()
	ctx, span := p.Tracer("caddy").Start(r.Context(), "request", trace.WithSpanKind(trace.SpanKindServer))
	return r.WithContext(ctx), func() { span.End() }
}

// attributes is a span's attributes as text, a line each.
func attributes(list []attribute.KeyValue) string {
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, "%s=%s\n", a.Key, a.Value.String())
	}
	return b.String()
}

func TestSpans(t *testing.T) {
	const received = "messaging.system=smartcar\nsmartcar.source=test\nmessaging.message.body.size=%d\n"
	const event = "smartcar.event.type=VEHICLE_STATE\nmessaging.message.id=e-1\nsmartcar.delivery.id=d-1\n"
	const appended = "messaging.system=smartcar\nmessaging.operation.type=send\nmessaging.operation.name=append\n" +
		"messaging.destination.name=test\nsmartcar.source=test\nmessaging.message.id=e-1\n"
	const notStored = "smartcar.refusal=buffer_full\nerror.type=buffer_full\n"
	none := sdktrace.Status{}
	full := sdktrace.Status{Code: codes.Error, Description: refuseFull.message}
	type want struct {
		attributes string
		status     sdktrace.Status
	}
	for _, tc := range []struct {
		name    string
		body    string
		token   string
		receipt buffer.Receipt
		err     error
		receive want
		append  *want
	}{
		{"stored", stateBody, tokenA, buffer.Receipt{}, nil,
			want{event + "smartcar.outcome=stored\n", none}, &want{appended, none}},
		{"duplicate", stateBody, tokenA, buffer.Receipt{Duplicate: true}, nil,
			want{event + "smartcar.outcome=duplicate\n", none}, &want{appended, none}},
		{"not stored", stateBody, tokenA, buffer.Receipt{}, buffer.ErrFull,
			want{event + "smartcar.outcome=refused\n" + notStored, full}, &want{appended + notStored, full}},
		{"a wrong signature", stateBody, "some other token, that is long", buffer.Receipt{}, nil,
			want{"smartcar.outcome=refused\nsmartcar.refusal=signature_mismatch\n", none}, nil},
		{"no signature", stateBody, "", buffer.Receipt{}, nil,
			want{"smartcar.outcome=refused\nsmartcar.refusal=signature_missing\n", none}, nil},
		{"verify", verifyBody, "", buffer.Receipt{}, nil,
			want{"smartcar.event.type=VERIFY\nsmartcar.outcome=verified\n", none}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spans := tracetest.NewSpanRecorder()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
			var parent buffer.TraceParent
			rc, _ := newReceiver(t, func(_ context.Context, e *buffer.Event) (buffer.Receipt, error) {
				parent = e.TraceParent
				return tc.receipt, tc.err
			})
			r, end := traced(t, provider, request(tc.body, tc.token))
			serve(t, rc, r)
			end()

			ended := spans.Ended()
			caddys := ended[len(ended)-1]
			receive := ended[len(ended)-2]
			if receive.Name() != traces.Receive || receive.Parent().SpanID() != caddys.SpanContext().SpanID() {
				t.Errorf("%s below %s", receive.Name(), receive.Parent().SpanID())
			}
			got := want{attributes(receive.Attributes()), receive.Status()}
			tc.receive.attributes = fmt.Sprintf(received, len(tc.body)) + tc.receive.attributes
			if diff := cmp.Diff(tc.receive, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("receive (-want +got):\n%s", diff)
			}
			if tc.append == nil {
				if len(ended) != 2 {
					t.Errorf("%d spans, want two", len(ended))
				}
				return
			}
			appending := ended[0]
			if appending.Name() != traces.Append || appending.Parent().SpanID() != receive.SpanContext().SpanID() ||
				appending.SpanKind() != trace.SpanKindProducer {
				t.Errorf("%s, %s, below %s", appending.Name(), appending.SpanKind(), appending.Parent().SpanID())
			}
			got = want{attributes(appending.Attributes()), appending.Status()}
			if diff := cmp.Diff(*tc.append, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("append (-want +got):\n%s", diff)
			}
			if parent != traces.ParentOf(appending.SpanContext()) || parent == (buffer.TraceParent{}) {
				t.Errorf("the event keeps %+v of span %s", parent, appending.SpanContext().SpanID())
			}
		})
	}
}

// A request that nobody traces has no span, whatever its sender would like.
func TestNoSpans(t *testing.T) {
	notSampled := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	for name, traced := range map[string]func(*http.Request) *http.Request{
		"no tracing": func(r *http.Request) *http.Request {
			r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
			return r
		},
		"not sampled": func(r *http.Request) *http.Request {
			r, end := traced(t, notSampled, r)
			end()
			return r
		},
		"of another process only": func(r *http.Request) *http.Request {
			return r.WithContext(trace.ContextWithRemoteSpanContext(r.Context(), trace.NewSpanContext(trace.SpanContextConfig{
				TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled, Remote: true,
			})))
		},
	} {
		t.Run(name, func(t *testing.T) {
			rc, _ := newReceiver(t, func(_ context.Context, e *buffer.Event) (buffer.Receipt, error) {
				if e.TraceParent != (buffer.TraceParent{}) {
					t.Errorf("the event has the trace %+v", e.TraceParent)
				}
				return buffer.Receipt{}, nil
			})
			r := traced(request(stateBody, tokenA))
			if again, span := beginReceive(r); again != r || span != nil {
				t.Errorf("there is a span: %v", span)
			}
			serve(t, rc, r)
		})
	}
}

// A request that is not traced pays for a look at its context.
func BenchmarkReceive(b *testing.B) {
	for name, provider := range map[string]trace.TracerProvider{"untraced": noop.NewTracerProvider(), "traced": sdktrace.NewTracerProvider()} {
		b.Run(name, func(b *testing.B) {
			rc, _ := newReceiver(b, stored)
			rc.log = slog.New(slog.DiscardHandler)
			plain := request(stateBody, tokenA)
			b.ReportAllocs()
			for b.Loop() {
				r, end := traced(b, provider, plain)
				r.Body = io.NopCloser(strings.NewReader(stateBody))
				if err := rc.ServeHTTP(httptest.NewRecorder(), r, nil); err != nil {
					b.Fatal(err)
				}
				end()
			}
		})
	}
}
