package integration

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/quic-go/quic-go/http3"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// stoppingBody is a body that stops after some bytes, until its request is over.
type stoppingBody struct {
	io.Reader
	over context.Context
}

func (b stoppingBody) Read(p []byte) (int, error) {
	if n, err := b.Reader.Read(p); err == nil {
		return n, nil
	}
	<-b.over.Done()
	return 0, b.over.Err()
}

// endlessBody never ends.
type endlessBody struct{}

func (endlessBody) Read(p []byte) (int, error) { return len(p), nil }

// HTTP/3 is Caddy's default, though nobody needs it here: the receiver's limits hold there too.
func TestHTTP3(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, "Caddyfile", strings.Replace(s.caddyfile("7d"), "smartcar_webhook {", "smartcar_webhook {\n\t\tread_timeout 1s\n\t\tmax_size 64KiB", 1))
	s.start(t)
	transport := &http3.Transport{TLSClientConfig: s.cert.Client()}
	defer transport.Close()
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	f := newFleet(s, 1)
	f.client = client
	v := f.vehicles[0]

	// ask sends a body that is not sampled, with a signature of its right form.
	ask := func(ctx context.Context, body io.Reader) (int, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(smartcar.SignatureHeader, smartcar.Sign(testToken, []byte("something else")))
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		return resp.StatusCode, nil
	}
	tests := []struct {
		name   string
		body   func(over context.Context) io.Reader
		give   time.Duration // after which the sender gives up; 0: never
		status int
		count  string
	}{
		{"another signature", func(context.Context) io.Reader { return strings.NewReader(`{"eventType":"A"}`) }, 0, http.StatusUnauthorized, "signature_mismatch"},
		{"a body that stops", func(over context.Context) io.Reader { return stoppingBody{strings.NewReader(`{"event`), over} }, 0, http.StatusRequestTimeout, "body_too_slow"},
		{"a body without end", func(context.Context) io.Reader { return endlessBody{} }, 0, http.StatusRequestEntityTooLarge, "body_too_large"},
		{"a sender that gives up", func(over context.Context) io.Reader { return stoppingBody{strings.NewReader(`{"event`), over} }, 300 * time.Millisecond, http.StatusBadRequest, "body_not_received"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.give > 0 {
				ctx, cancel = context.WithTimeout(ctx, tt.give)
				defer cancel()
			}
			status, err := ask(ctx, tt.body(ctx))
			// Who gives up may still read the answer to that, or none.
			if gone := tt.give > 0 && err != nil; !gone && status != tt.status {
				t.Errorf("answer %d, %v, want %d", status, err, tt.status)
			}
			s.awaitCounted(t, func(c counted) bool { return c.Sources[0].Refused[tt.count] == 1 })
			if !f.send(t.Context(), v, sent(v)) {
				t.Error("an event is not taken any more")
			}
		})
	}
	verdict := f.awaitAll(t, s)
	t.Log(verdict)
	if verdict.acked != len(tests) || verdict.lost > 0 || verdict.repeated > 0 || len(f.broken) > 0 || len(f.refused) > 0 {
		t.Errorf("%v, refused %v, broken %v", verdict, f.refused, f.broken)
	}
}

// sent notes a new event of the vehicle.
func sent(v *fleetVehicle) string {
	id := uuid.NewString()
	v.acked = append(v.acked, id)
	return id
}
