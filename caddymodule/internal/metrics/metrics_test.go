package metrics

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// registered returns the registry that Caddy would make, with the metrics of a status.
func registered(t *testing.T, m *Metrics, s api.Status) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	status := func(context.Context) (api.Status, bool) { return s, true }
	if err := registry.Register(m.Collector(status)); err != nil {
		t.Fatal(err)
	}
	return registry
}

// sample is a status with something of everything.
func sample() api.Status {
	room, left := uint64(9<<30), 3600.0
	return api.Status{
		At: noon, Since: noon.Add(-time.Hour), Version: api.Version{Version: "v1.2.3", Revision: "abc"},
		Receiving: api.Receiving{Healthy: true, State: "open"},
		Sources: []api.Source{{Name: "default", SourceCounts: api.SourceCounts{
			Stored: 5, Unreadable: 1, Duplicates: 2, Differing: 1, Verified: 3, LastStored: noon.Add(-time.Minute),
			Refused: map[string]uint64{"signature_mismatch": 4}, Matches: map[string]uint64{"1": 10},
		}, Loss: api.Loss{Pending: 2, ClockSeconds: 150, Lost: 3, Unverified: 4},
			Live: api.LiveSignatures{AllRefused: true, Refused: 6}}, {Name: "idle"}},
		Downtime:    api.Downtime{State: api.DowntimeOver, Seconds: 200, LostSeconds: 25},
		Connections: api.Connections{Open: 1, Opened: 9},
		BodyMemory:  api.BodyMemory{Bytes: 8192, LimitBytes: 32 << 20},
		Buffer: api.Buffer{
			Events: 5, Bytes: 1 << 20, LimitBytes: 10 << 30, DeadLetters: 1, Syncs: 4, Corrupt: 3, Unreadable: 1,
			Conflicts: 2,
			OldestAge: 60, HeadroomBytes: &room, HeadroomSeconds: &left, Damaged: []api.Damaged{{Name: "1"}},
		},
		Handlers: []api.Handler{{
			Name: "app", State: "ok", Plugin: api.Plugin{Program: "http", Name: "whatever it says", Up: true},
			Behind: api.Behind{Events: 7, Seconds: 1.5}, InFlight: 2, Retrying: api.Retrying{Lanes: 3, Parked: 1,
				Events: 4},
			Breaker: api.Breaker{State: "half-open"}, Conditions: []api.Condition{{Name: "a"}, {Name: "b"}},
			Totals: &api.HandlerTotals{
				HandlerCounts: api.HandlerCounts{Delivered: 3, Skipped: 1, Retried: 2, Dead: 10, Rejected: 1,
					Exhausted: 2, Expired: 3,
					Poisoned: 4, Replayed: 1, Stale: 5, Future: 6},
				Restarts: 2, Crashes: 1,
			},
		}, {Name: "new", State: api.StateStarting}},
		Replays:   []api.Replay{{State: "running"}, {State: "done"}, {State: "done"}},
		Attention: []api.Attention{{Level: api.LevelWarning}},
		Vehicles: &api.Vehicles{
			Sources: []api.VehicleCounts{{Source: "default", Vehicles: 7, InError: 2, Silent: 3}},
			Errors:  []api.VehicleErrCount{{Source: "default", Type: "PERMISSION", State: "ERROR", Count: 4}},
		},
		SchemaDrift: &api.SchemaDrift{Events: []api.DriftCount{{Source: "default", Kind: "field", Events: 5}}},
	}
}

// Names, units and help texts are as Prometheus wants them.
func TestNames(t *testing.T) {
	problems, err := testutil.GatherAndLint(registered(t, observed(New()), sample()))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// observed are metrics that have seen something of everything.
func observed(m *Metrics) *Metrics {
	timing := m.Source("default").Begin()
	timing.BodyRead()
	timing.Stored(timing.Now())
	timing.Answered()
	m.Buffer().Synced(2*time.Millisecond, 3)
	m.Buffer().Synced(3*time.Millisecond, 0)
	h := m.Handler("app")
	h.Settled(dispatch.Settled{Done: true, Attempts: 1, Age: time.Second})
	h.Settled(dispatch.Settled{Done: true, Attempts: 2, Age: 240 * time.Hour, Replayed: true})
	h.Settled(dispatch.Settled{Attempts: 3, Age: time.Hour})
	return m
}

// Each value of the status is where it belongs.
func TestValuesOfTheStatus(t *testing.T) {
	families := newLive().names()
	got := values(t, registered(t, New(), sample()), func(name string) bool { return !families[name] })
	golden(t, "testdata/status.golden", got)
}

// Before there is a buffer, or a config, nothing is said about what is not known.
func TestValuesWithoutABuffer(t *testing.T) {
	m := New()
	s := sample()
	s.Receiving = api.Receiving{State: api.StateFailed}
	got := values(t, registered(t, m, s), func(name string) bool {
		return strings.Contains(name, "buffer_") || name == prefix+"handler_dead_letters_total"
	})
	for _, line := range strings.Split(got, "\n") {
		if strings.HasPrefix(line, prefix+"buffer_") && !strings.Contains(line, "_sync_") || strings.Contains(line,
			`handler=""`) {
			t.Errorf("said without a buffer: %s", line)
		}
	}
	s = sample()
	s.Buffer.HeadroomBytes, s.Buffer.HeadroomSeconds = nil, nil
	got = values(t, registered(t, m, s), func(name string) bool { return strings.Contains(name, "headroom") })
	if want := prefix + "buffer_headroom_seconds +Inf\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m.Collector(func(context.Context) (api.Status, bool) { return api.Status{}, false }))
	if got := values(t, registry, func(string) bool { return true }); strings.Contains(got, prefix+"receiving ") {
		t.Errorf("said without a config:\n%s", got)
	}
}

// What is observed is there, once, and nothing while the metrics are off.
func TestLive(t *testing.T) {
	m := New()
	seen := func() string {
		return values(t, registered(t, observed(m), api.Status{}), newLive().isCounted)
	}
	want := func(n int) string {
		var lines []string
		for name, each := range map[string]int{
			`answer_duration_seconds_count{source="default"}`:    1,
			`body_read_duration_seconds_count{source="default"}`: 1,
			`store_duration_seconds_count{source="default"}`:     1, `buffer_sync_duration_seconds_count`: 2,
			`buffer_sync_batch_events_count`: 1, `handler_delivery_attempts_count{handler="app"}`: 3,
			`handler_done_duration_seconds_count{handler="app"}`: 1,
		} {
			lines = append(lines, fmt.Sprintf("%s%s %d\n", prefix, name, n*each))
		}
		slices.Sort(lines)
		return strings.Join(lines, "")
	}
	if diff := cmp.Diff(want(1), seen()); diff != "" {
		t.Error(diff)
	}
	m.Switch(false)
	if diff := cmp.Diff(want(1), seen()); diff != "" {
		t.Errorf("off: %s", diff)
	}
	m.Switch(true)
	if diff := cmp.Diff(want(2), seen()); diff != "" {
		t.Errorf("on again: %s", diff)
	}
}

// The histograms are native ones, for who scrapes those, beside their classic buckets.
func TestHistogramsAreNative(t *testing.T) {
	families, err := registered(t, observed(New()), api.Status{}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range families {
		if f.GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		for _, metric := range f.GetMetric() {
			n++
			h := metric.GetHistogram()
			if len(h.GetBucket()) < 5 || len(h.GetPositiveSpan()) == 0 && h.GetZeroCount() == 0 || h.GetSchema() != 3 {
				t.Errorf("%s: %d classic buckets, schema %d, %v", f.GetName(), len(h.GetBucket()), h.GetSchema(),
					h.GetPositiveSpan())
			}
		}
	}
	if n != 7 {
		t.Errorf("%d histograms", n)
	}
}
