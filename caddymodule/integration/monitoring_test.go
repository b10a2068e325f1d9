package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/simulator"
)

// Each rule fires in the example's own tests and has its entry in the runbook, and promtool finds nothing wrong.
func TestAlertRules(t *testing.T) {
	alerts := names(t, "alerts.yml", `(?m)- alert: (\w+)`)
	for _, other := range []struct{ file, pattern string }{
		{"alerts_test.yml", `(?m)expr: ALERTS\{alertname="(\w+)"`},
		{"runbook.md", `(?m)^### (\w+)`},
		{"alerts.yml", `(?m)runbook_url: .*/runbook.md#(\w+)$`},
	} {
		got := names(t, other.file, other.pattern)
		want := alerts
		if other.file == "alerts.yml" {
			want = nil
			for _, alert := range alerts {
				want = append(want, strings.ToLower(alert))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", other.file, got, want)
		}
	}
	promtool := lookFor(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "alerts.yml"}, {"check", "config", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"},
	} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = monitoringExample
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// names returns what a pattern finds in a file of the example, sorted, each once.
func names(t *testing.T, file, pattern string) []string {
	t.Helper()
	var found []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(readExample(t, file), -1) {
		found = append(found, match[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// A real Prometheus scrapes a real Caddy with the example's files: all that rules and dashboard ask for is there, alerts
// fire, and end when the cause is gone.
func TestMonitoringExample(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	t.Parallel()
	s := newSite(t)
	port := fmt.Sprint(freePort(t))
	scraped := "127.0.0.1:" + port
	_, site, ok := strings.Cut(readExample(t, "Caddyfile", ":9180", ":"+port), "http://")
	if !ok {
		t.Fatal("the example has no site for the metrics")
	}
	s.sites = "http://" + site
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	caddy := s.start(t)
	p := startPrometheus(t, scraped)
	waitFor(t, "a scrape", time.Minute, func() bool { return len(p.query(t, "caddy_smartcar_receiving == 1")) > 0 })

	s.simulate(t, simulator.Options{Count: 50, Vehicles: 5})
	s.simulate(t, simulator.Options{Count: 5, Type: simulator.TypeError})
	s.simulate(t, simulator.Options{Count: 20, Forge: 1})
	waitFor(t, "an alert on signatures", time.Minute, func() bool { return p.fires(t, "SmartcarSignatureFailures") })

	waitFor(t, "vehicles that are counted", time.Minute, func() bool {
		return len(p.query(t, "caddy_smartcar_vehicles >= 5")) > 0
	})
	t.Run("dashboard", func(t *testing.T) { checkDashboard(t, p) })
	t.Run("rules", func(t *testing.T) { checkMetricNames(t, p, readExample(t, "alerts.yml")) })

	caddy.terminate(t)
	waitFor(t, "an alert on Caddy's end", time.Minute, func() bool { return p.fires(t, "SmartcarNotScraped") })
	s.start(t)
	waitFor(t, "the end of that alert", time.Minute, func() bool { return !p.fires(t, "SmartcarNotScraped") })
}

// simulate sends webhooks to the site.
func (s *site) simulate(t *testing.T, o simulator.Options) {
	t.Helper()
	o.URL, o.Token, o.Client = s.url, testToken, s.client
	if sum, err := simulator.Run(t.Context(), o); err != nil || !sum.OK() {
		t.Fatalf("%v\n%+v\n%s", err, sum, s.log())
	}
}

// checkDashboard runs each query of the dashboard.
func checkDashboard(t *testing.T, p *prometheusServer) {
	board := readExample(t, "dashboard.json")
	checkMetricNames(t, p, board)
	var queries []string
	for _, match := range regexp.MustCompile(`"expr": (".*")`).FindAllStringSubmatch(board, -1) {
		var expr string
		if err := json.Unmarshal([]byte(match[1]), &expr); err != nil {
			t.Fatal(err)
		}
		queries = append(queries, expr)
	}
	if len(queries) < 30 {
		t.Fatalf("%d queries, want those of all panels", len(queries))
	}
	values := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*", "$source", ".*", "$handler", ".*")
	for _, expr := range queries {
		// What is hidden while it is 0 is asked for all the same.
		expr = strings.TrimSuffix(values.Replace(expr), " > 0")
		waitFor(t, "a value of "+expr, time.Minute, func() bool { return len(p.query(t, expr)) > 0 })
	}
}

// checkMetricNames looks for all metrics of this module that a text names.
func checkMetricNames(t *testing.T, p *prometheusServer, text string) {
	t.Helper()
	var known struct{ Data []string }
	r, err := http.Get(p.url + "/api/v1/label/__name__/values")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&known); err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`caddy_smartcar_\w+`).FindAllString(text, -1) {
		if !slices.Contains(known.Data, name) {
			t.Errorf("there is no metric %s", name)
		}
	}
}
