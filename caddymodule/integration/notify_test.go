package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const (
	pagerSecret = "T0PAGERSECRET9xyz"
	pagerToken  = "PAGER_TOKEN"
)

// notifySite is a site whose events go to a pager. An attempt that counted would make its event a dead letter.
func notifySite(t *testing.T, p *pager) *site {
	t.Helper()
	s := newSite(t)
	s.env = append(s.env, pagerToken+"="+pagerSecret)
	s.write(t, "handlers.hcl", fmt.Sprintf(`handler "people" {
  plugin = "notify"
  when   = event.type == "VEHICLE_ERROR"

  retry {
    max_attempts = 1
  }
  breaker {
    cooldown = "100ms"
  }
  config {
    state = %q
    rate {
      max = 10000
      per = "1h"
    }
    webhook {
      url     = "http://%s/${env.%s}"
      headers = { Authorization = "Bearer ${env.%[3]s}" }
    }
  }
}
`, filepath.Join(s.dir, "notify.db"), p.addr, pagerToken))
	return s
}

// Over kills of the plugin, of the server behind it and of Caddy, under load, every notice arrives, and each kill
// repeats one at most. No attempt is counted, and the secret is nowhere but at the server.
func TestNotifyThroughKills(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	t.Parallel()
	p := startPager(t)
	s := notifySite(t, p)
	caddy := s.startAdmin(t)
	const vehicles = 240
	sent, kills := 0, 0
	send := func(until int) {
		t.Helper()
		for ; sent < until; sent++ {
			body := smartcar.Sample{
				EventID: uuid.NewString(), VehicleID: fmt.Sprintf("notify-car-%d", sent), RecordedAt: time.Now(), Mode: "LIVE",
			}.VehicleError()
			s.mustPost(t, body)
		}
	}
	told := func(least int) {
		t.Helper()
		waitFor(t, fmt.Sprintf("%d notices", least), time.Minute, func() bool { n, _ := p.counts(t); return n >= least })
	}

	send(40)
	told(20)
	argv, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", caddy.children(t)[0]))
	if err != nil || strings.Contains(string(argv), pagerSecret) {
		t.Errorf("the command line is %q, %v", argv, err)
	}
	killAll(t, caddy.children(t)) // the plugin
	kills++
	send(80)
	told(50)
	p.kill(t) // the server, for many tries of the handler
	kills++
	send(120)
	waitFor(t, "the handler has found the server down", time.Minute, func() bool {
		out, _ := s.run(t, "status", "people")
		if strings.Contains(out, pagerSecret) {
			t.Errorf("status shows the secret:\n%s", out)
		}
		return strings.Contains(out, p.addr)
	})
	p.start(t)
	told(120)
	send(160)
	killAll(t, caddy.children(t))
	kills++
	if err := caddy.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-caddy.exited
	kills++
	s.startAdmin(t)
	send(vehicles)
	told(vehicles)

	if _, repeated := p.counts(t); repeated > kills {
		t.Errorf("%d repetitions after %d kills", repeated, kills)
	}
	if letters := deadLettersOf(t, s); strings.Contains(letters, "notify-car-") {
		t.Errorf("there are dead letters:\n%s", letters)
	}
	if strings.Contains(s.wholeLog(), pagerSecret) {
		t.Error("the log has the secret")
	}
}

// deadLettersOf is what the admin API says of dead letters.
func deadLettersOf(t *testing.T, s *site) string {
	t.Helper()
	answer := s.askAdmin(t, http.MethodGet, "/smartcar/dead-letters", "")
	if answer.status != http.StatusOK {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	return string(answer.body)
}

// A message that the server refuses becomes a dead letter that says why, without the secret.
func TestNotifyRefused(t *testing.T) {
	t.Parallel()
	p := startPager(t)
	s := notifySite(t, p)
	s.env = append(s.env, pagerToken+"=another-"+pagerSecret) // the last one holds
	s.startAdmin(t)
	s.mustPost(t, smartcar.Sample{EventID: "refused-1", VehicleID: "notify-car-0", Mode: "LIVE"}.VehicleError())
	waitFor(t, "the dead letter", time.Minute, func() bool { return strings.Contains(deadLettersOf(t, s), "refused-1") })
	if !strings.Contains(deadLettersOf(t, s), "notify-car-0") {
		t.Error("a dead letter does not show its vehicle, by which TestNotifyThroughKills looks for one")
	}
	whole := deadLettersOf(t, s) + s.wholeLog()
	if !strings.Contains(whole, "it answered 400") || strings.Contains(whole, pagerSecret) {
		t.Errorf("%s", whole)
	}
}

// A digest that the server refuses is no event's: it needs attention, says what to do, is counted, and goes when the
// server takes the next one. Nothing of it holds up events.
func TestNotifyTroubleComesAndGoes(t *testing.T) {
	t.Parallel()
	var accepts atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ Kind string }
		if json.NewDecoder(r.Body).Decode(&m) != nil || m.Kind == "digest" && !accepts.Load() {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	s := newSite(t)
	s.write(t, "handlers.hcl", fmt.Sprintf(`handler "people" {
  plugin = "notify"
  config {
    state = %q
    rate {
      max = 1
      per = "1s"
    }
    webhook {
      url = "%s/%s"
    }
  }
}
`, filepath.Join(s.dir, "notify.db"), server.URL, pagerSecret))
	s.startAdmin(t)
	storm := func() {
		t.Helper()
		for range 3 {
			s.mustPost(t, smartcar.Sample{EventID: uuid.NewString(), VehicleID: uuid.NewString(), Mode: "LIVE"}.VehicleError())
		}
	}
	type view struct {
		Attention []api.Attention
		Handlers  []api.Handler
	}
	status := func() (v view) {
		t.Helper()
		answer := s.askAdmin(t, http.MethodGet, "/smartcar/status", "")
		if err := json.Unmarshal(answer.body, &v); err != nil {
			t.Fatalf("%d %s", answer.status, answer.body)
		}
		v.Attention = slices.DeleteFunc(v.Attention, func(a api.Attention) bool { return a.Kind != api.HandlerTrouble })
		return v
	}
	storm()
	var v view
	waitFor(t, "the trouble", time.Minute, func() bool { v = status(); return len(v.Attention) > 0 })
	a := v.Attention[0]
	if a.ID() != "handler_trouble/people/digest_refused" || !strings.Contains(a.What, "400") || !strings.Contains(a.Do, "target") {
		t.Errorf("%+v", a)
	}
	if stand := s.scrape(t).value(t, `handler_conditions{handler="people"}`); stand != 1 {
		t.Errorf("the metrics have %v conditions, want 1", stand)
	}
	if h := v.Handlers[0]; h.State != "ok" || len(h.Conditions) != 1 || h.Conditions[0].Since.IsZero() {
		t.Errorf("%+v", h)
	}
	whole, _ := s.run(t, "status")
	one, _ := s.run(t, "status", "people")
	for _, out := range []string{whole, one} {
		if !strings.Contains(out, "digest_refused") || strings.Contains(out, pagerSecret) {
			t.Errorf("status says\n%s", out)
		}
	}
	accepts.Store(true)
	storm()
	waitFor(t, "the end of it", time.Minute, func() bool { return len(status().Attention) == 0 })
	if letters := deadLettersOf(t, s); strings.Contains(letters, "VEHICLE_ERROR") {
		t.Errorf("there are dead letters:\n%s", letters)
	}
}
