// Package collectortest is the end of a trace's way for tests: a collector that speaks OTLP, over HTTP and over gRPC.
package collectortest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Collector keeps what is exported to it.
type Collector struct {
	collectorpb.UnimplementedTraceServiceServer
	http *httptest.Server
	grpc net.Listener

	mu    sync.Mutex
	raw   bytes.Buffer
	spans []Span
}

// Span is a span with the service that it came from.
type Span struct {
	*tracepb.Span
	Service string
}

// Start runs a collector on 127.0.0.1 until the test ends.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := new(Collector)
	c.http = httptest.NewServer(http.HandlerFunc(c.serveHTTP))
	t.Cleanup(c.http.Close)
	var err error
	if c.grpc, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(server, c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(c.grpc) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return c
}

// Env is what has a process export to the collector: "grpc" or "http/protobuf".
func (c *Collector) Env(protocol string) []string {
	endpoint := c.http.URL
	if protocol == "grpc" {
		endpoint = "http://" + c.grpc.Addr().String()
	}
	return []string{
		"OTEL_EXPORTER_OTLP_PROTOCOL=" + protocol, "OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint, "OTEL_BSP_SCHEDULE_DELAY=50",
	}
}

// Setenv does the same for the test's own process.
func (c *Collector) Setenv(t *testing.T, protocol string) {
	t.Helper()
	for _, variable := range c.Env(protocol) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

func (c *Collector) serveHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	req := new(collectorpb.ExportTraceServiceRequest)
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Encoding") != "" || proto.Unmarshal(body, req) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.take(body, req)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Export implements the collector's gRPC service.
func (c *Collector) Export(_ context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	body, err := proto.Marshal(req)
	if err != nil {
		return nil, err
	}
	c.take(body, req)
	return new(collectorpb.ExportTraceServiceResponse), nil
}

func (c *Collector) take(body []byte, req *collectorpb.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	for _, process := range req.GetResourceSpans() {
		service := ""
		for _, a := range process.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range process.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, Span{span, service})
			}
		}
	}
}

// Spans are those exported so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Named are those of a name.
func (c *Collector) Named(name string) []Span {
	return slices.DeleteFunc(c.Spans(), func(s Span) bool { return s.GetName() != name })
}

// Holds reports whether a text is anywhere in what was exported.
func (c *Collector) Holds(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Contains(c.raw.Bytes(), []byte(text))
}
