package receiver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/metrics"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// timed are the durations of one source, by name.
type timed map[string]part

// part is how often something was timed, and how long it took together.
type part struct {
	N       uint64
	Seconds float64
}

func timesOf(t *testing.T, m *metrics.Metrics) timed {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m.Collector(func(context.Context) (api.Status, bool) { return api.Status{}, false }))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := timed{}
	for _, f := range families {
		name, ours := strings.CutSuffix(strings.TrimPrefix(f.GetName(), "caddy_smartcar_"), "_duration_seconds")
		if !ours || f.GetType() != dto.MetricType_HISTOGRAM || f.GetMetric()[0].GetLabel() == nil {
			continue
		}
		if h := f.GetMetric()[0].GetHistogram(); h.GetSampleCount() > 0 {
			all[name] = part{h.GetSampleCount(), h.GetSampleSum()}
		}
	}
	return all
}

// Each request is timed, however it ends, and each part of it that there was.
func TestRequestsAreTimed(t *testing.T) {
	slow := func(err error) storeFunc {
		return func(_ context.Context, _ *buffer.Event) (buffer.Receipt, error) {
			time.Sleep(3 * time.Second)
			return buffer.Receipt{}, err
		}
	}
	verify := `{"eventType":"VERIFY","data":{"challenge":"3a5c8f72-e6d9-4b1a-9f2e-8c7d6a5b4e3f"}}`
	for _, tc := range []struct {
		name  string
		r     *http.Request
		store storeFunc
		want  timed
	}{
		{"stored", slowRequest(stateBody, tokenA), slow(nil), timed{"answer": {1, 5}, "body_read": {1, 2}, "store": {1,
			3}}},
		{"not stored", slowRequest(stateBody, tokenA), slow(errors.New("no")), timed{"answer": {1, 5}, "body_read": {1,
			2}, "store": {1, 3}}},
		{"wrong signature", slowRequest(stateBody, strings.Repeat("x", 40)), nil, timed{"answer": {1, 2},
			"body_read": {1, 2}}},
		{"verified", slowRequest(verify, tokenA), nil, timed{"answer": {1, 2}, "body_read": {1, 2}}},
		{"not even read", notJSON(), nil, timed{"answer": {1, 0}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rc, _ := newReceiver(t, tc.store)
				m := metrics.New()
				rc.observed = m.Source(rc.Source)
				serve(t, rc, tc.r)
				if diff := cmp.Diff(tc.want, timesOf(t, m)); diff != "" {
					t.Error(diff)
				}
				m.Switch(false)
				serve(t, rc, notJSON())
				if diff := cmp.Diff(tc.want, timesOf(t, m)); diff != "" {
					t.Errorf("timed while metrics are off:\n%s", diff)
				}
			})
		})
	}
}

// slowRequest is one whose body takes two seconds to come.
func slowRequest(body, token string) *http.Request {
	r := request(body, token)
	all := r.Body
	r.Body = io.NopCloser(readFunc(func(p []byte) (int, error) {
		n, err := all.Read(p)
		if errors.Is(err, io.EOF) {
			time.Sleep(2 * time.Second)
		}
		return n, err
	}))
	return r
}

func notJSON() *http.Request {
	r := request(stateBody, tokenA)
	r.Header.Set("Content-Type", "text/plain")
	return r
}

// Right signatures are counted by their token, whatever comes of the request; wrong ones are not.
func TestSignatureMatches(t *testing.T) {
	rc, _ := newReceiver(t, stored)
	for _, token := range []string{tokenA, tokenB, tokenB, strings.Repeat("x", 40)} {
		serve(t, rc, request(stateBody, token))
	}
	rc.store = storeFunc(func(context.Context, *buffer.Event) (buffer.Receipt, error) {
		return buffer.Receipt{},
			buffer.ErrFull
	})
	serve(t, rc, request(stateBody, tokenA))
	if diff := cmp.Diff(map[string]uint64{"1": 2, "2": 2}, rc.counts.Snapshot().Matches); diff != "" {
		t.Error(diff)
	}
	many := append(otherTokens(11), tokenA, tokenB)
	rc.keys, rc.tokens = smartcar.NewKeys(many...), new(traffic.Counters).Tokens(rc.Source, many)
	serve(t, rc, request(stateBody, tokenA))
	serve(t, rc, request(stateBody, tokenB))
	if diff := cmp.Diff(map[string]uint64{"1": 2, "2": 2, "other": 2}, rc.counts.Snapshot().Matches); diff != "" {
		t.Error(diff)
	}
}

func otherTokens(n int) (tokens []string) {
	for i := range n {
		tokens = append(tokens, strings.Repeat(string(rune('a'+i)), 40))
	}
	return tokens
}
