package receiver

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
)

var everyStage = stage.Of(stage.SignatureVerified, stage.SignatureFailed, stage.WebhookReceived)

// Which stages a request has, and that each is written only where it is switched on.
func TestStages(t *testing.T) {
	verified, failed, received := stage.SignatureVerified, stage.SignatureFailed, stage.WebhookReceived
	for _, tt := range []struct {
		name    string
		request func() *http.Request
		err     error
		want    []stage.Stage
	}{
		{"stored", func() *http.Request { return request(stateBody, tokenA) }, nil, []stage.Stage{verified, received}},
		{"not stored", func() *http.Request { return request(stateBody, tokenA) }, buffer.ErrFull, []stage.Stage{verified}},
		{"wrong signature", func() *http.Request { return request(stateBody, "some other token") }, nil, []stage.Stage{failed}},
		{"no signature", func() *http.Request { return request(stateBody, "") }, nil, []stage.Stage{failed}},
		{"signed VERIFY", func() *http.Request { return request(verifyBody, tokenB) }, nil, []stage.Stage{verified}},
		{"VERIFY", func() *http.Request { return request(verifyBody, "") }, nil, nil},
		{"no request of Smartcar's", func() *http.Request {
			r := request(stateBody, tokenA)
			r.Method = http.MethodPut
			return r
		}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, set := range []stage.Set{
				everyStage, 0, stage.Of(verified), stage.Of(failed), stage.Of(received),
			} {
				rc, log := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) {
					return buffer.Receipt{}, tt.err
				})
				rc.stages = switchedTo(set)
				serve(t, rc, tt.request())
				var want []string
				for _, st := range tt.want {
					if set.Has(st) {
						want = append(want, string(st))
					}
				}
				if got := stagesIn(log.String()); strings.Join(got, " ") != strings.Join(want, " ") {
					t.Errorf("stages %b: lines of %q, want %q\n%s", set, got, want, log)
				}
			}
		})
	}
}

func stagesIn(log string) (found []string) {
	for line := range strings.Lines(log) {
		for _, st := range []stage.Stage{stage.SignatureVerified, stage.SignatureFailed, stage.WebhookReceived} {
			if strings.Contains(line, `"event":"`+string(st)+`"`) {
				found = append(found, string(st))
			}
		}
	}
	return found
}

func TestFieldsOfStages(t *testing.T) {
	rc, log := newReceiver(t, stored)
	rc.stages = switchedTo(everyStage)
	serve(t, rc, request(stateBody, tokenB))
	serve(t, rc, request(verifyBody, tokenA))
	for _, want := range []string{
		`"level":"INFO","msg":"signature verified","event":"signature.verified","source":"test","token":2,"event_id":"e-1",` +
			`"event_type":"VEHICLE_STATE","delivery_id":"d-1","remote_ip":"192.0.2.1"}`,
		`"level":"INFO","msg":"webhook received","event":"webhook.received","source":"test","outcome":"stored",` +
			`"signature_valid":true,"token":2,"event_id":"e-1","event_type":"VEHICLE_STATE","vehicle_id":"vehicle-1",` +
			`"delivery_id":"d-1","remote_ip":"192.0.2.1"`,
		`"event":"signature.verified","source":"test","token":1,"event_id":"v-1","event_type":"VERIFY","delivery_id":""`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no line with %s\n%s", want, log)
		}
	}
}

// What Caddy adds to the lines of a request is in those of its stages: its trace, and its uuid.
func TestStagesHaveTheFieldsOfTheRequest(t *testing.T) {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	for _, tt := range []struct {
		name, field string
		asked       func(*http.Request) *http.Request
	}{
		{"traced", "traceID", func(r *http.Request) *http.Request {
			return r.WithContext(trace.ContextWithSpanContext(r.Context(), span))
		}},
		{"uuid", "uuid", func(r *http.Request) *http.Request {
			caddyhttp.SetVar(r.Context(), "uuid", "asked for")
			return r
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "caddy.log")
			rc, _ := newReceiver(t, stored)
			_, rc.log = caddyLog(t, file)
			rc.stages = switchedTo(everyStage)
			r := ofCaddy(request(stateBody, tokenA))
			r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields).Add(zap.String(tt.field, "of it"))
			serve(t, rc, tt.asked(r))
			log, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(log), `"`+tt.field+`":"of it"`); n != 2 {
				t.Errorf("%d lines with %s, want 2\n%s", n, tt.field, log)
			}
		})
	}
}

// What Smartcar sent and cannot be read is a warning whichever stages are written, and one line.
func TestUnreadableIsSaidOnce(t *testing.T) {
	for _, set := range []stage.Set{0, stage.Of(stage.WebhookReceived)} {
		rc, log := newReceiver(t, stored)
		rc.stages = switchedTo(set)
		serve(t, rc, request(stateBody[:len(stateBody)-1], tokenA))
		if n := strings.Count(log.String(), `"level":"WARN"`); n != 1 || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("stages %b:\n%s", set, log)
		}
	}
}
