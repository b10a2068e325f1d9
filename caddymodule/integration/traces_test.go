package integration

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traceexport/collectortest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

type spanConfig struct {
	Path string `config:"path" doc:"Where the span of each delivery is written down."`
}

// openSpan writes down which span each event was delivered in, as a handler with OpenTelemetry would know it.
func openSpan(_ context.Context, c spanConfig) (sdk.Handler, error) {
	return func(ctx context.Context, e *sdk.Event) error {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": sdk.TraceParent(ctx)})
		span := trace.SpanContextFromContext(ctx)
		line, err := json.Marshal(delivered{e.ID, span.TraceID().String(), span.SpanID().String()})
		if err != nil {
			return err
		}
		f, err := os.OpenFile(c.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.Write(append(line, '\n'))
		return err
	}, nil
}

// delivered is what a handler knows of the span that an event was delivered in.
type delivered struct {
	Event string `json:"event_id"`
	Trace string `json:"trace"`
	Span  string `json:"span"`
}

const noTrace = "00000000000000000000000000000000"

// tracedSite is a site whose requests and deliveries are traced, with two handlers: one with OpenTelemetry, and an
// application behind the plugin http.
type tracedSite struct {
	*site
	collector *collectortest.Collector
	app       *httptest.Server

	mu     sync.Mutex
	posted map[string]string // the traceparent of each event at the application
}

// The personal and secret parts of the events of a tracedSite.
const (
	tracedVIN     = "YV1TESTVIN0000001"
	tracedVehicle = "vehicle-that-nobody-may-know"
	tracedUser    = "user-that-nobody-may-know"
)

func newTracedSite(t *testing.T, protocol string) *tracedSite {
	t.Helper()
	s := &tracedSite{site: newSite(t), collector: collectortest.Start(t), posted: map[string]string{}}
	s.app = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.posted[r.Header.Get("X-Smartcar-Event-Id")] = r.Header.Get("Traceparent")
	}))
	t.Cleanup(s.app.Close)
	s.env = s.collector.Env(protocol)
	s.write(t, "handlers.hcl", "")
	s.write(t, "Caddyfile", s.tracedCaddyfile("7d", true, true))
	return s
}

func (s *tracedSite) handlers(t *testing.T) string {
	t.Helper()
	return ownHandler(t, "own", "span", "", map[string]string{"path": s.events}) +
		fmt.Sprintf("handler \"app\" {\n  plugin = \"http\"\n  config {\n    url = %q\n  }\n}\n", s.app.URL)
}

func (s *tracedSite) tracedCaddyfile(retention string, requests, deliveries bool) string {
	s.site.app = ""
	if deliveries {
		s.site.app = "tracing"
	}
	text := s.caddyfile(retention)
	if requests {
		text = strings.Replace(text, "\tsmartcar_webhook {", "\ttracing\n\tsmartcar_webhook {", 1)
	}
	return text
}

// send stores an event of a request with a traceparent.
func (s *tracedSite) send(t *testing.T, traceparent string) (id string) {
	t.Helper()
	id = uuid.NewString()
	body := smartcar.Sample{EventID: id, VehicleID: tracedVehicle, UserID: tracedUser, Mode: "LIVE"}.VehicleState()
	body = bytes.Replace(body, []byte("Van 7"), []byte(tracedVIN), 1)
	if !bytes.Contains(body, []byte(tracedVIN)) {
		t.Fatal("the event has no VIN")
	}
	if status := s.post(t, body, smartcar.Sign(testToken, body), traceparent); status != http.StatusOK {
		t.Fatalf("status %d\n%s", status, s.log())
	}
	return id
}

func (s *tracedSite) post(t *testing.T, body []byte, signature, traceparent string) (status int) {
	t.Helper()
	// A server that a reload has just ended may still take a connection, and resets it.
	waitFor(t, "an answer", 20*time.Second, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("SC-Signature", signature)
		if traceparent != "" {
			req.Header.Set("Traceparent", traceparent)
		}
		resp, err := s.client.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		status = resp.StatusCode
		return true
	})
	return status
}

// awaitSpan waits for a span of a name that has an attribute.
func (s *tracedSite) awaitSpan(t *testing.T, name, key, value string) collectortest.Span {
	t.Helper()
	var found collectortest.Span
	waitFor(t, fmt.Sprintf("the span %q of %s", name, value), 20*time.Second, func() bool {
		all := s.collector.Named(name)
		i := slices.IndexFunc(all, func(span collectortest.Span) bool { return attribute(span, key) == value })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found
}

func attribute(span collectortest.Span, key string) string {
	for _, a := range span.GetAttributes() {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// awaitDelivered waits until the handler with OpenTelemetry has had an event.
func (s *tracedSite) awaitDelivered(t *testing.T, id string) (got delivered) {
	t.Helper()
	waitFor(t, "the event "+id+" is delivered", 20*time.Second, func() bool {
		lines, _ := os.ReadFile(s.events)
		for line := range bytes.Lines(lines) {
			if json.Unmarshal(line, &got) == nil && got.Event == id {
				return true
			}
		}
		return false
	})
	return got
}

const messageID = "messaging.message.id"

// checkReceived checks that an event's append is below its receiving, and that below Caddy's own span of the request.
// It returns the append's span.
func (s *tracedSite) checkReceived(t *testing.T, id string) collectortest.Span {
	t.Helper()
	appended := s.awaitSpan(t, "smartcar append", messageID, id)
	received := s.awaitSpan(t, "smartcar receive", messageID, id)
	if !bytes.Equal(appended.GetParentSpanId(), received.GetSpanId()) || !bytes.Equal(appended.GetTraceId(), received.GetTraceId()) {
		t.Errorf("event %s: its append is not below its receiving", id)
	}
	waitFor(t, "Caddy's span of the request", 20*time.Second, func() bool {
		return slices.ContainsFunc(s.collector.Spans(), func(span collectortest.Span) bool {
			return bytes.Equal(span.GetSpanId(), received.GetParentSpanId()) && bytes.Equal(span.GetTraceId(), received.GetTraceId()) &&
				span.GetKind() == tracepb.Span_SPAN_KIND_SERVER
		})
	})
	return appended
}

// checkDelivered checks that the deliveries of an event are roots that refer to its append, if that is traced, and that
// the handlers knew their spans.
func (s *tracedSite) checkDelivered(t *testing.T, id string, appended *collectortest.Span) {
	t.Helper()
	got := s.awaitDelivered(t, id)
	for _, handler := range []string{"own", "app"} {
		span := s.awaitSpan(t, "smartcar deliver "+handler, messageID, id)
		if len(span.GetParentSpanId()) != 0 {
			t.Errorf("event %s: its delivery to %s has a parent", id, handler)
		}
		traceID, spanID := hex.EncodeToString(span.GetTraceId()), hex.EncodeToString(span.GetSpanId())
		switch handler {
		case "own":
			if got.Trace != traceID || got.Span != spanID {
				t.Errorf("event %s: the handler was in span %s of %s, want %s of %s", id, got.Span, got.Trace, spanID, traceID)
			}
		case "app":
			s.mu.Lock()
			if want := "00-" + traceID + "-" + spanID + "-01"; s.posted[id] != want {
				t.Errorf("event %s: the application got the traceparent %q, want %q", id, s.posted[id], want)
			}
			s.mu.Unlock()
		}
		links := span.GetLinks()
		if appended == nil {
			if len(links) != 0 {
				t.Errorf("event %s: its delivery to %s has %d links", id, handler, len(links))
			}
			continue
		}
		if len(links) != 1 || !bytes.Equal(links[0].GetSpanId(), appended.GetSpanId()) || !bytes.Equal(links[0].GetTraceId(), appended.GetTraceId()) {
			t.Errorf("event %s: its delivery to %s does not refer to its append: %v", id, handler, links)
		}
		if bytes.Equal(span.GetTraceId(), appended.GetTraceId()) {
			t.Errorf("event %s: its delivery to %s is of the request's trace", id, handler)
		}
	}
}

// From the sender's trace to the handler's: over a restart between the two, over reloads, and with tracing on one side
// only.
func TestTraces(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			s := newTracedSite(t, protocol)
			p := s.start(t)
			const senders = "4bf92f3577b34da6a3ce929d0e0e4736"
			waiting := s.send(t, "00-"+senders+"-00f067aa0ba902b7-01")
			appended := s.checkReceived(t, waiting)
			if got := hex.EncodeToString(appended.GetTraceId()); got != senders {
				t.Errorf("received in the trace %s, want the sender's", got)
			}
			p.terminate(t)
			s.write(t, "handlers.hcl", s.handlers(t))
			p = s.start(t)
			s.checkDelivered(t, waiting, &appended)

			direct := s.send(t, "")
			appended = s.checkReceived(t, direct)
			s.checkDelivered(t, direct, &appended)

			s.reload(t, s.tracedCaddyfile("8d", true, true))
			reloaded := s.send(t, "")
			appended = s.checkReceived(t, reloaded)
			s.checkDelivered(t, reloaded, &appended)

			s.reload(t, s.tracedCaddyfile("7d", false, true))
			untracedRequest := s.send(t, "00-"+senders+"-00f067aa0ba902b7-01")
			s.checkDelivered(t, untracedRequest, nil)

			s.reload(t, s.tracedCaddyfile("8d", true, false))
			untracedDelivery := s.send(t, "")
			s.checkReceived(t, untracedDelivery)
			if got := s.awaitDelivered(t, untracedDelivery); got.Trace != noTrace {
				t.Errorf("the handler was in the trace %s, although no delivery is traced", got.Trace)
			}

			p.terminate(t)
			for _, handler := range []string{"own", "app"} {
				for _, span := range s.collector.Named("smartcar deliver " + handler) {
					if attribute(span, messageID) == untracedDelivery {
						t.Errorf("the delivery to %s is traced, although none is", handler)
					}
				}
			}
			s.checkPrivacy(t)
		})
	}
}

// Whatever a stranger sends as the trace, an event's trace stays what a collector can take, and a refused request says
// nothing of its body.
func TestTraceOfAStranger(t *testing.T) {
	t.Parallel()
	s := newTracedSite(t, "http/protobuf")
	s.write(t, "handlers.hcl", s.handlers(t))
	p := s.start(t)
	const span = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
	for _, traceparent := range []string{
		"00-" + span + "-01" + strings.Repeat("-00", 1000), "00-" + strings.Repeat("f", 3000), "ff-" + span + "-01",
		"00-" + noTrace + "-00f067aa0ba902b7-01", "not a trace at all", tracedVIN,
	} {
		id := s.send(t, traceparent)
		appended := s.checkReceived(t, id)
		s.checkDelivered(t, id, &appended)
	}
	body := []byte(`{"eventId":"` + tracedUser + `","eventType":"` + tracedVIN + `"}`)
	if status := s.post(t, body, strings.Repeat("0", 64), ""); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	refused := s.awaitSpan(t, "smartcar receive", "smartcar.refusal", "signature_mismatch")
	if refused.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		t.Error("a stranger's request is an error of this end")
	}
	p.terminate(t)
	s.checkPrivacy(t)
}

// An operator can have every request begin a trace of its own.
func TestTraceOfTheSenderIsNotHeeded(t *testing.T) {
	t.Parallel()
	s := newTracedSite(t, "http/protobuf")
	s.env = append(s.env, "OTEL_PROPAGATORS=none")
	s.start(t)
	const senders = "4bf92f3577b34da6a3ce929d0e0e4736"
	appended := s.checkReceived(t, s.send(t, "00-"+senders+"-00f067aa0ba902b7-01"))
	if got := hex.EncodeToString(appended.GetTraceId()); got == senders {
		t.Error("received in the sender's trace")
	}
}

func (s *tracedSite) reload(t *testing.T, caddyfile string) {
	t.Helper()
	if err := s.adminLoad(t.Context(), caddyfile); err != nil {
		t.Fatalf("%v\n%s", err, s.log())
	}
}

// checkPrivacy looks for what is personal or secret in every byte that was exported.
func (s *tracedSite) checkPrivacy(t *testing.T) {
	t.Helper()
	if !s.collector.Holds("smartcar receive") {
		t.Error("nothing can be found in what was exported")
	}
	for _, text := range []string{tracedVIN, tracedVehicle, tracedUser, testToken, filepath.Base(s.app.URL)} {
		if s.collector.Holds(text) {
			t.Errorf("what was exported has %q in it", text)
		}
	}
}
