package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traces"
)

// answeringPlugin gives the same answer to each call, and keeps the context of the last one.
type answeringPlugin struct {
	stuckPlugin
	results []dispatch.Result
	err     error
	ctx     context.Context
}

func (p *answeringPlugin) State() pluginhost.State { return pluginhost.State{PluginName: "printer"} }

func (p *answeringPlugin) Handle(ctx context.Context, _ []dispatch.Delivery) ([]dispatch.Result, error) {
	p.ctx = ctx
	return p.results, p.err
}

// secret stands in for what is personal: no span may have it.
const secret = "YV1TESTVIN0000001"

// tracedEvents are deliveries of events whose requests were traced.
func tracedEvents(n int) []dispatch.Delivery {
	var batch []dispatch.Delivery
	for i := range n {
		batch = append(batch, dispatch.Delivery{Attempt: i + 1, Event: &buffer.Event{
			ID: fmt.Sprint("e-", i), Source: "test", Type: "VEHICLE_STATE", VehicleID: secret, UserID: secret, Body: []byte(secret),
			TraceParent: buffer.TraceParent{TraceID: [16]byte{1, byte(i)}, SpanID: [8]byte{2, byte(i)}, Flags: 1},
		}})
	}
	return batch
}

func allOf(status dispatch.Status, n int) []dispatch.Result {
	var results []dispatch.Result
	for range n {
		results = append(results, dispatch.Result{Status: status, Reason: secret, Error: secret})
	}
	return results
}

func textOf(list []attribute.KeyValue) string {
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, "%s=%s\n", a.Key, a.Value.String())
	}
	return b.String()
}

func TestSpanOfACall(t *testing.T) {
	const common = "messaging.system=smartcar\nmessaging.operation.type=process\nmessaging.operation.name=deliver\n" +
		"messaging.consumer.group.name=app\nmessaging.batch.message_count=%d\nsmartcar.handler=app\nsmartcar.plugin=printer\n" +
		"smartcar.attempt=%[1]d\nmessaging.destination.name=test\nsmartcar.source=test\n"
	const one = "messaging.message.id=e-0\nsmartcar.event.type=VEHICLE_STATE\n"
	counts := func(done, retry, reject, unavailable int) string {
		return fmt.Sprintf("smartcar.results.done=%d\nsmartcar.results.retry=%d\nsmartcar.results.reject=%d\nsmartcar.results.unavailable=%d\n",
			done, retry, reject, unavailable)
	}
	for _, tc := range []struct {
		name    string
		batch   int
		results []dispatch.Result
		err     error
		want    string
		failed  string
	}{
		{"done", 1, allOf(dispatch.Done, 1), nil, one + counts(1, 0, 0, 0), ""},
		{"a batch", 3, allOf(dispatch.Done, 3), nil, counts(3, 0, 0, 0), ""},
		{"a retry in a batch", 2, append(allOf(dispatch.Done, 1), allOf(dispatch.Retry, 1)...), nil, counts(1, 1, 0, 0), "retry"},
		{"rejected", 1, allOf(dispatch.Reject, 1), nil, one + counts(0, 0, 1, 0), "reject"},
		{"unavailable", 1, allOf(dispatch.Unavailable, 1), nil, one + counts(0, 0, 0, 1), "unavailable"},
		{"too few results", 3, allOf(dispatch.Done, 1), nil, counts(1, 2, 0, 0), "retry"},
		{"a crash", 1, nil, fmt.Errorf("plugin: %w", &dispatch.CrashError{Detail: secret}), one, "crash"},
		{"down", 1, nil, fmt.Errorf("%s: %w", secret, dispatch.ErrDown), one, "down"},
		{"late", 1, nil, fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), one, "timeout"},
		{"cut off", 1, nil, fmt.Errorf("%s: %w", secret, context.Canceled), one, "stopped"},
		{"anything else", 1, nil, errors.New(secret), one, "call_failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spans, p, inner := newTraced(tc.results, tc.err)
			_, _ = p.Handle(t.Context(), tracedEvents(tc.batch))

			span := spans.Ended()[0]
			want := fmt.Sprintf(common, tc.batch) + tc.want
			status := sdktrace.Status{}
			if tc.failed != "" {
				want += "error.type=" + tc.failed + "\n"
				status = sdktrace.Status{Code: codes.Error, Description: tc.failed}
			}
			if diff := cmp.Diff(want, textOf(span.Attributes())); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if span.Status() != status || span.SpanKind() != trace.SpanKindConsumer || span.Name() != "smartcar deliver app" {
				t.Errorf("%q, %s, status %+v", span.Name(), span.SpanKind(), span.Status())
			}
			if span.Parent().IsValid() || len(span.Links()) != tc.batch {
				t.Errorf("parent %v, %d links", span.Parent(), len(span.Links()))
			}
			if trace.SpanContextFromContext(inner.ctx).SpanID() != span.SpanContext().SpanID() {
				t.Error("the call does not know its span")
			}
			if strings.Contains(fmt.Sprintf("%+v", tracetest.SpanStubFromReadOnlySpan(span)), secret) {
				t.Error("the span has personal data")
			}
		})
	}
}

// newTraced has two providers: one that samples everything, for calls with a link, and one that samples nothing.
func newTraced(results []dispatch.Result, err error) (*tracetest.SpanRecorder, *tracedPlugin, *answeringPlugin) {
	spans := tracetest.NewSpanRecorder()
	processor := sdktrace.WithSpanProcessor(spans)
	inner := &answeringPlugin{results: results, err: err}
	p := &tracedPlugin{Plugin: inner, name: "app", tracers: new(atomic.Pointer[Tracers])}
	p.tracers.Store(&Tracers{
		Linked: traces.Tracer(sdktrace.NewTracerProvider(processor)),
		Others: traces.Tracer(sdktrace.NewTracerProvider(processor, sdktrace.WithSampler(sdktrace.NeverSample()))),
	})
	return spans, p, inner
}

func TestLinksOfACall(t *testing.T) {
	spans, p, _ := newTraced(nil, nil)
	batch := tracedEvents(maxLinks + 2)
	batch[1].Event.TraceParent = buffer.TraceParent{}
	_, _ = p.Handle(t.Context(), batch)
	links := spans.Ended()[0].Links()
	if len(links) != maxLinks {
		t.Fatalf("%d links, want %d", len(links), maxLinks)
	}
	for i, d := range []dispatch.Delivery{batch[0], batch[2], batch[3]} {
		if got := traces.ParentOf(links[i].SpanContext); got != d.Event.TraceParent {
			t.Errorf("link %d is to %+v, want %+v", i, got, d.Event.TraceParent)
		}
		if got, want := textOf(links[i].Attributes), "messaging.message.id="+d.Event.ID+"\n"; got != want {
			t.Errorf("link %d has %s", i, got)
		}
	}
}

// What is not sampled is no span, and is passed on as that: then the handler makes none either.
func TestCallWithoutATracedEvent(t *testing.T) {
	spans, p, inner := newTraced(nil, nil)
	batch := tracedEvents(1)
	batch[0].Event.TraceParent = buffer.TraceParent{}
	_, _ = p.Handle(t.Context(), batch)
	passed := trace.SpanContextFromContext(inner.ctx)
	if len(spans.Ended()) != 0 || !passed.IsValid() || passed.IsSampled() {
		t.Errorf("%d spans; the call belongs to %+v", len(spans.Ended()), passed)
	}
}

func TestUntracedCall(t *testing.T) {
	spans, p, inner := newTraced(nil, nil)
	p.tracers.Store(nil)
	_, _ = p.Handle(t.Context(), tracedEvents(1))
	if len(spans.Started()) != 0 || inner.ctx != t.Context() {
		t.Errorf("%d spans, context %v", len(spans.Started()), inner.ctx)
	}
}

// Through a whole engine: as long as it is asked for, and by the process of a restart too.
func TestDeliveriesAreTraced(t *testing.T) {
	r := newRig(t, time.Second)
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	r.apply("one", r.defs(handler("h", "")))
	tracers := &Tracers{Linked: traces.Tracer(provider), Others: traces.Tracer(provider)}
	deliver := func(id string, tracers *Tracers) {
		t.Helper()
		r.e.SetTracers(tracers)
		r.append(id)
		r.settled("h")
	}
	deliver("v:1", nil)
	deliver("v:2", tracers)
	if err := r.e.Restart(t.Context(), "h"); err != nil {
		t.Fatal(err)
	}
	deliver("v:3", tracers)
	deliver("v:4", nil)
	var got []string
	for _, span := range spans.Ended() {
		for _, a := range span.Attributes() {
			if a.Key == "messaging.message.id" || a.Key == traces.Plugin {
				got = append(got, a.Value.AsString())
			}
		}
	}
	if want := "witness v:2 witness v:3"; strings.Join(got, " ") != want {
		t.Errorf("traced: %q, want %q", got, want)
	}
}

func BenchmarkCall(b *testing.B) {
	batch := tracedEvents(1)
	_, traced, inner := newTraced(allOf(dispatch.Done, 1), nil)
	traced.tracers.Store(&Tracers{Linked: traces.Tracer(sdktrace.NewTracerProvider())})
	untraced := &tracedPlugin{Plugin: inner, name: "app", tracers: new(atomic.Pointer[Tracers])}
	for _, tc := range []struct {
		name string
		p    Plugin
	}{{"direct", inner}, {"untraced", untraced}, {"traced", traced}} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = tc.p.Handle(b.Context(), batch)
			}
		})
	}
}
