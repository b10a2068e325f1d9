package integration

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// metricsHandlers has handlers for each thing that can become of an event.
const metricsHandlers = `
handler "later" {
  plugin = "http"
  retry {
    min_delay = "1h"
    max_delay = "1h"
  }
  breaker {
    failures = 1000
  }
  config {
    url = %[1]q
  }
}
handler "parks" {
  plugin     = "http"
  park_after = "1s"
  retry {
    min_delay = "600ms"
    max_delay = "600ms"
  }
  breaker {
    failures = 1000
  }
  signals {
    stale = "mark"
  }
  config {
    url = %[1]q
  }
}
handler "broken" {
  plugin = "http"
  breaker {
    failures = 1
  }
  config {
    url = %[2]q
  }
}
`

// metricsSite is a site with these handlers.
type metricsSite struct {
	*site
	app          *application
	process      *process
	gate, poison string
}

func newMetricsSite(t *testing.T) *metricsSite {
	t.Helper()
	s, app := newAdminSite(t)
	m := &metricsSite{site: s, app: app, gate: filepath.Join(s.dir, "gate"), poison: uuid.NewString()}
	m.app.answer("busy", http.StatusTooManyRequests)
	m.app.answer("bad", http.StatusBadRequest)
	s.write(t, "handlers.hcl", m.handlers(t))
	m.process = s.startAdmin(t)
	return m
}

func (m *metricsSite) handlers(t *testing.T) string {
	t.Helper()
	file := func(name string) string { return filepath.Join(m.dir, name) }
	nobody := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	return m.adminHandlers(m.app.url) + fmt.Sprintf(metricsHandlers, m.app.url, nobody) +
		ownHandler(t, "hangs", "hang", "", map[string]string{"path": file("hang.jsonl"), "gate": m.gate,
			"seen": file("seen.jsonl")}) +
		ownHandler(t, "dies", "poison", "", map[string]string{"path": file("dies.jsonl"), "event": m.poison,
			"tries": file("tries.jsonl")})
}

// sendBody posts a body that must be answered with a status.
func (m *metricsSite) sendBody(t *testing.T, want int, body []byte, token string) {
	t.Helper()
	status, err := post(m.client, m.url, body, smartcar.Sign(token, body))
	if err != nil || status != want {
		t.Fatalf("%d, %v; want %d\n%s", status, err, want, m.log())
	}
}

// sendAll sends each kind of request.
func (m *metricsSite) sendAll(t *testing.T) {
	t.Helper()
	now := time.Now()
	sample := func(vehicle string) smartcar.Sample {
		return smartcar.Sample{EventID: uuid.NewString(), VehicleID: vehicle, DeliveryID: uuid.NewString(),
			RecordedAt: now, Mode: "LIVE"}
	}
	first := sample("car")
	m.sendBody(t, http.StatusOK, first.VehicleState(), testToken)
	m.sendBody(t, http.StatusOK, first.VehicleState(), testToken) // a duplicate
	other := first
	other.RecordedAt = now.Add(-time.Hour)
	m.sendBody(t, http.StatusOK, other.VehicleState(), testToken) // a duplicate that differs
	older := sample("car")
	older.RecordedAt = now.Add(-time.Hour)
	m.sendBody(t, http.StatusOK, older.VehicleState(), testToken) // stale signals
	future := sample("car")
	future.RecordedAt, future.DeliveredAt = now.Add(time.Hour), now
	m.sendBody(t, http.StatusOK, future.VehicleState(), testToken)
	m.sendBody(t, http.StatusOK, []byte(`{"eventId":`), testToken) // unreadable
	m.sendBody(t, http.StatusUnauthorized, first.VehicleState(), "another token, not the receiver's")
	m.sendBody(t, http.StatusOK, smartcar.Sample{}.Verify("Qx7mT2vLp9Rk4ZsA"), testToken)
	for _, vehicle := range []string{"busy", "bad"} {
		m.sendBody(t, http.StatusOK, sample(vehicle).VehicleState(), testToken)
	}
	poison := sample("poisoned")
	poison.EventID = m.poison
	m.sendBody(t, http.StatusOK, poison.VehicleState(), testToken)
	if err := os.WriteFile(m.gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.sendBody(t, http.StatusOK, sample("held").VehicleState(), testToken)
}

// Each metric moves when what it is about happens, and its values are those that this must give.
func TestMetrics(t *testing.T) {
	t.Parallel()
	m := newMetricsSite(t)
	before := m.scrape(t)
	half := m.halfBody(t)
	var now scrape
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the metrics are\n%s", now.text)
		}
	})
	waitFor(t, "half a body is held", 20*time.Second, func() bool {
		now = m.scrape(t)
		return now.sum("body_memory_bytes") > 0 && now.sum("connections_open") == 1
	})
	moved := now.moved(before)
	half.Close()
	m.sendAll(t)
	waitFor(t, "all that can be settled is, and the rest waits", 30*time.Second, func() bool {
		now = m.scrape(t)
		return now.sum("handler_dead_letters_total") == 8 && now.sum("buffer_dead_letters") == 8 &&
			now.sum("handler_in_flight_events", `"hangs"`) == 1 &&
			now.sum("handler_lanes_parked", `"later"`) == 1 && now.sum("body_memory_bytes") == 0 &&
			now.sum("handler_breaker_state", `"broken"`, `"open"`) == 1 &&
			now.sum("handler_behind_events", `"crm"`) == 0 &&
			now.sum("handler_behind_events", `"parks"`) == 0
	})
	after := now
	for series, want := range map[string]float64{
		`receiving`: 1,
		`deliveries_total{outcome="stored",reason="",source="default"}`:                    7,
		`deliveries_total{outcome="duplicate",reason="",source="default"}`:                 2,
		`deliveries_total{outcome="unreadable",reason="",source="default"}`:                1,
		`deliveries_total{outcome="verified",reason="",source="default"}`:                  1,
		`deliveries_total{outcome="refused",reason="signature_mismatch",source="default"}`: 1,
		`duplicates_differing_total{source="default"}`:                                     1,
		`signature_matches_total{source="default",token="1"}`:                              11,
		`answer_duration_seconds_count{source="default"}`:                                  13,
		`body_read_duration_seconds_count{source="default"}`:                               13,
		`store_duration_seconds_count{source="default"}`:                                   10,
		`handler_dead_letters_total{handler="",reason="unreadable"}`:                       1,
		`handler_dead_letters_total{handler="",reason="conflict"}`:                         1,
		`handler_dead_letters_total{handler="crm",reason="exhausted"}`:                     1,
		`handler_dead_letters_total{handler="crm",reason="rejected"}`:                      1,
		`handler_dead_letters_total{handler="later",reason="rejected"}`:                    1,
		`handler_dead_letters_total{handler="parks",reason="expired"}`:                     1,
		`handler_dead_letters_total{handler="dies",reason="poison"}`:                       1,
		`handler_dead_letters_total{handler="parks",reason="rejected"}`:                    1,
		`handler_deliveries_total{handler="crm",result="done"}`:                            5,
		`handler_deliveries_total{handler="crm",result="retried"}`:                         2,
		`handler_delivery_attempts_count{handler="crm"}`:                                   7,
		`handler_delivery_attempts_sum{handler="crm"}`:                                     5 + 3 + 1,
		`handler_done_duration_seconds_count{handler="crm"}`:                               5,
		`handler_state{handler="broken",state="breaker-open"}`:                             1,
		`handler_state{handler="later",state="waiting"}`:                                   1,
		`handler_up{handler="hangs",plugin="` + filepath.Base(os.Args[0]) + `"}`:           1,
		`handler_lanes_waiting{handler="later"}`:                                           1,
		`handler_deferred_events{handler="later"}`:                                         1,
		`body_memory_limit_bytes`:                                                          32 << 20,
		`buffer_sync_batch_events_sum`:                                                     9,
		`buffer_dead_letters`:                                                              8,
	} {
		if got := after.value(t, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	if age := after.value(t, `last_event_age_seconds{source="default"}`); age > 60 {
		t.Errorf("the last event is said to be %v s old", age)
	}
	maps.Copy(moved, after.moved(before))

	// The rest takes an operator, or time.
	news := fmt.Appendf(nil, `{"eventId":%q,"eventType":"VEHICLE_STATE","news":1}`, uuid.NewString())
	m.sendBody(t, http.StatusOK, news, testToken)
	trouble := smartcar.Sample{EventID: uuid.NewString(), VehicleID: "car", Mode: "LIVE"}
	m.sendBody(t, http.StatusOK, trouble.VehicleError(), testToken)
	m.must(t, "", "replay", "--handler", "archive", "--all", "--yes")
	for _, pid := range m.process.children(t) {
		if plugin, err := os.FindProcess(pid); err != nil || plugin.Kill() != nil {
			t.Fatalf("plugin %d cannot be killed: %v", pid, err)
		}
	}
	waitFor(t, "the plugins are up again, the replay is done and the buffer has been seen to grow", 40*time.Second,
		func() bool {
			now := m.scrape(t)
			m.sendEvents(t, "held", 1)
			maps.Copy(moved, now.moved(before))
			return now.sum("handler_plugin_crashes_total", `"crm"`) == 1 &&
				now.sum("handler_plugin_restarts_total", `"crm"`) == 1 &&
				now.sum("replays", `"done"`) == 1 && moved[metricPrefix+"buffer_headroom_seconds"] &&
				now.sum("handler_replayed_total", `"archive"`) > 0 &&
				now.sum("schema_drift_total", `"field"`) > 0 && now.sum("vehicles_in_error", `"default"`) > 0
		})
	changed := strings.Replace(m.caddyfile("7d"), "smartcar_webhook {\n\t\ttoken {env.SMARTCAR_TOKEN}\n\t}",
		"respond hello", 1)
	changed = strings.Replace(changed, "retention 7d", "max_size 1GiB", 1)
	changed = strings.Replace(changed, "handlers ", "body_memory 64MiB\n\t\thandlers ", 1)
	if err := m.adminLoad(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	last := m.scrape(t)
	if last.value(t, "receiving") != 0 {
		t.Error("a config without a receiver is said to receive")
	}
	maps.Copy(moved, last.moved(before))

	// Two have tests of their own, below, those of the loss clock in TestLossClockOverAKill, live_all_refused in
	// TestLiveEventsRefused, that of ages in TestMaxAge, that of conditions in TestNotifyTroubleComesAndGoes, and those of the
	// quarantine in TestQuarantine; a vehicle is silent after a minute at the earliest, see TestVehiclesMove in package
	// metrics; the last one has a value that never changes.
	elsewhere := []string{
		"buffer_damaged_folders", "buffer_corrupt_records_total",
		"loss_clock_seconds", "pending_redeliveries", "lost_deliveries_total", "downtime_seconds_total",
		"downtime_lost_seconds_total",
		"live_all_refused", "delivery_ages_total", "handler_conditions",
		"vehicles_silent", "vehicles_lately_silent",
		"build_info",
	}
	elsewhere = append(elsewhere, quarantineMetrics...)
	for _, name := range slices.Sorted(maps.Keys(last.kinds)) {
		if !moved[name] && !slices.Contains(elsewhere, strings.TrimPrefix(name, metricPrefix)) {
			t.Errorf("%s has not moved", name)
		}
	}
	checkWithPromtool(t, after)
}

// halfBody sends a part of a body, which the receiver then holds.
func (m *metricsSite) halfBody(t *testing.T) io.Closer {
	t.Helper()
	conn, err := tls.Dial("tcp", fmt.Sprintf("localhost:%d", m.port), m.cert.Client())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n"
	if _, err := io.WriteString(conn, head+strings.Repeat(" ", 20000)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// checkWithPromtool has Prometheus itself look at names, help texts and types.
func checkWithPromtool(t *testing.T, c scrape) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		proof.Missing(t, "promtool", err)
	}
	cmd := exec.Command(path, "check", "metrics")
	cmd.Stdin = strings.NewReader(c.text)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil || said.Len() > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, &said)
	}
}

// A reload, of whatever kind, resets nothing, and a config with metrics off exports none.
func TestMetricsOutliveReloads(t *testing.T) {
	t.Parallel()
	m := newMetricsSite(t)
	m.sendAll(t)
	waitFor(t, "all that can be settled is", 30*time.Second,
		func() bool { return m.scrape(t).sum("buffer_dead_letters") == 8 })
	before := m.scrape(t)
	for name, change := range map[string]func(caddyfile, handlers string) (string, string){
		"the same": func(c, h string) (string, string) { return c, h },
		"other limits": func(c, h string) (string, string) {
			return strings.Replace(c, "retention 7d", "retention 8d", 1), h
		},
		"all handlers are changed": func(c, h string) (string, string) {
			return c, strings.ReplaceAll(h, "  config {",
				"  env = { CHANGED = \"1\", GORACE = \"atexit_sleep_ms=0\" }\n  config {")
		},
	} {
		handlers := m.handlers(t)
		if name == "all handlers are changed" {
			handlers = strings.ReplaceAll(handlers, "  env    = { GORACE = \"atexit_sleep_ms=0\" }\n", "")
		}
		caddyfile, handlers := change(m.caddyfile("7d"), handlers)
		m.write(t, "handlers.hcl", handlers)
		if err := m.adminLoad(t.Context(), caddyfile); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		now := m.scrape(t)
		now.notLessThan(t, before)
		m.sendEvents(t, "car", 1)
		waitFor(t, name+": it goes on counting", 20*time.Second, func() bool {
			now := m.scrape(t)
			return now.sum("answer_duration_seconds_count") > before.sum("answer_duration_seconds_count") &&
				now.sum("handler_deliveries_total", `"archive"`, `"done"`) >
					before.sum("handler_deliveries_total", `"archive"`, `"done"`)
		})
		before = m.scrape(t)
	}
	if err := m.adminLoad(t.Context(), strings.Replace(m.caddyfile("7d"), "handlers ", "metrics off\n\t\thandlers ",
		1)); err != nil {
		t.Fatal(err)
	}
	// For a moment the admin endpoint of the config before still answers.
	waitFor(t, "nothing is exported", 20*time.Second, func() bool { return len(m.scrape(t).series) == 0 })
	m.sendEvents(t, "car", 3)
	if err := m.adminLoad(t.Context(), m.caddyfile("7d")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "metrics are exported again", 20*time.Second, func() bool { return len(m.scrape(t).series) > 0 })
	on := m.scrape(t)
	on.notLessThan(t, before)
	if got, want := on.sum("answer_duration_seconds_count"), before.sum("answer_duration_seconds_count"); got != want {
		t.Errorf("%v answers were timed, want %v: none while metrics were off", got, want)
	}
}

// Damage is counted.
func TestMetricsOfDamage(t *testing.T) {
	t.Parallel()
	s, other, _ := newDamagedSite(t, zeroOptions)
	s.startTaking(t, other)
	if n := s.scrape(t).value(t, "buffer_damaged_folders"); n != 1 {
		t.Errorf("%v folders, want 1", n)
	}
}

// A damaged record is counted when it is read, once.
func TestMetricsOfADamagedRecord(t *testing.T) {
	t.Parallel()
	s, other, waiting := newDamagedSite(t, flipInRecord)
	s.startTaking(t, other)
	var now scrape
	waitFor(t, "the damaged record is found", 20*time.Second, func() bool {
		now = s.scrape(t)
		return now.value(t, "buffer_corrupt_records_total") == 1 && now.value(t, "buffer_dead_letters") == 1 &&
			now.sum("handler_behind_events") == 0
	})
	if got := s.received(t); len(got) != len(waiting)-1+4 {
		t.Errorf("the handler has had %d events of %d", len(got), len(waiting)+4)
	}
	if n := s.scrape(t).value(t, "buffer_corrupt_records_total"); n != 1 {
		t.Errorf("%v damaged records, want 1", n)
	}
}
