package integration

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// The secrets of a handler "crm" that posts to a legacyApp.
const (
	crmCredential    = "first-s3cr3t-credential"
	crmNewCredential = "second-s3cr3t-credential"
	crmHeader        = "s3cr3t-of-a-header"
)

// legacyHandler posts to a legacyApp on its unix socket. The waits are short, and no event has more than a few attempts,
// so that what counts one wrongly ends in dead letters.
func legacyHandler(app *legacyApp, credential string) string {
	return fmt.Sprintf(`handler "crm" {
  plugin = "http"

  retry {
    max_attempts = 4
    min_delay    = "10ms"
    max_delay    = "50ms"
  }
  breaker {
    failures = 1000
    cooldown = "100ms"
  }
  config {
    url          = "http://app.example/webhooks"
    paths        = { VEHICLE_ERROR = "/webhooks/errors" }
    unix_socket  = %q
    bearer_token = %q
    headers      = { X-Api-Key = %q }
  }
}
`, app.socket(), credential, crmHeader)
}

// newLegacySite is a site with one handler, which posts to an application that is not yet running.
func newLegacySite(t *testing.T) (*site, *legacyApp) {
	t.Helper()
	s := newSite(t)
	app := newLegacyApp(t, s.dir, crmCredential)
	s.write(t, "handlers.hcl", legacyHandler(app, crmCredential))
	return s, app
}

// load has a fleet send until so many events are acknowledged.
func (f *fleet) load(t *testing.T, events int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	before := f.total()
	f.onAck = func(total int) {
		if total >= before+events {
			cancel()
		}
	}
	f.run(ctx)
	if f.total() < before+events {
		t.Fatalf("%d events acknowledged, %d wanted", f.total()-before, events)
	}
}

// awaitWorked waits until the application has worked on everything, and judges it.
func (f *fleet) awaitWorked(t *testing.T, s *site, app *legacyApp) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	v := f.judge(app.ids(t))
	for ; v.lost > 0 && time.Now().Before(deadline); v = f.judge(app.ids(t)) {
		<-tick.C
	}
	t.Log(v)
	if v.lost > 0 || v.repeated > 0 || v.disordered > 0 {
		t.Errorf("%v\n%s", v, s.log())
	}
	s.settled(t)
	if n := s.status(t).Buffer.DeadLetters; n > 0 {
		t.Errorf("%d dead letters\n%s", n, s.log())
	}
}

// An application that is down for longer than all attempts would last, and then refuses its credential until a reload
// brings the new one, costs no event an attempt. What waited comes in order, signed by Smartcar, once.
func TestApplicationThatIsDown(t *testing.T) {
	t.Parallel()
	s, app := newLegacySite(t)
	s.startAdmin(t)
	fleet := newFleet(s, 5)
	fleet.load(t, 60)
	// Each probe of the breaker is one try in vain; there are more of them than an event has attempts.
	const probes = 8
	waitFor(t, "the breaker has probed", 30*time.Second, func() bool {
		return strings.Count(s.wholeLog(), "connecting failed: no such file or directory") >= probes
	})

	app.credential = crmNewCredential
	app.start(t)
	waitFor(t, "the application refuses the credential", 30*time.Second, func() bool {
		return strings.Count(s.wholeLog(), "app.example answered 401") >= probes
	})
	s.write(t, "handlers.hcl", legacyHandler(app, crmNewCredential))
	if err := s.adminLoad(t.Context(), s.caddyfile("7d")); err != nil {
		t.Fatal(err)
	}
	fleet.load(t, 60)
	fleet.awaitWorked(t, s, app)
	for _, w := range app.worked(t) {
		if w.Attempt != 1 {
			t.Errorf("%+v: an attempt was counted", w)
		}
	}
}

// kill -9 of the plugin and of the application under load loses nothing, and what comes again by that the application
// tells by its eventId.
func TestPluginAndApplicationKilledUnderLoad(t *testing.T) {
	t.Parallel()
	s, app := newLegacySite(t)
	app.start(t)
	p := s.startAdmin(t)
	fleet := newFleet(s, 8)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		fleet.run(ctx)
	}()
	arrives := func(what string) {
		t.Helper()
		before := len(app.worked(t))
		// A plugin that ended several times is started again after longer and longer pauses.
		waitFor(t, "events arrive "+what, 2*time.Minute, func() bool { return len(app.worked(t)) >= before+10 })
	}
	arrives("at first")
	rounds := 1
	if proof.IsLong() {
		rounds = 4
	}
	for range rounds {
		plugins := p.children(t)
		if len(plugins) != 1 {
			t.Fatalf("the plugin's processes are %v", plugins)
		}
		killAll(t, plugins)
		arrives("after the plugin was killed")
		app.kill(t)
		app.start(t)
		arrives("after the application was killed")
	}
	cancel()
	<-sent
	fleet.awaitWorked(t, s, app)
}

// Neither what Caddy says in any place, nor what others on the machine see of its processes, has a secret of a handler's
// config, also where requests fail, events are given up and a config is refused.
func TestSecretsOfAConfigStaySecret(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s, app := newLegacySite(t)
	secrets := []string{
		"s3cr3t", "czNjcjN0", // as it begins in the header of basic_auth
		"1b7c7e0e-5f0e-4a35-9d5f-0e5a51c2e7f4",
	}
	config := func(more string) string {
		return strings.Replace(legacyHandler(app, crmCredential), fmt.Sprintf("    bearer_token = %q\n", crmCredential), more, 1)
	}
	good := "    sign_token   = \"1b7c7e0e-5f0e-4a35-9d5f-0e5a51c2e7f4\"\n" +
		"    basic_auth {\n      username = env.CRM_USER\n      password = \"s3cr3t-${env.CRM_PASSWORD}\"\n    }\n"
	s.env = append(s.env, "CRM_USER=s3cr3t-user", "CRM_PASSWORD=s3cr3t-password")
	s.write(t, "handlers.hcl", config(good))
	p := s.startAdmin(t)
	ids := s.sendEvents(t, "car-1", 2)
	waitFor(t, "the breaker has opened", 20*time.Second, func() bool { return strings.Contains(s.wholeLog(), "connecting failed") })
	app.start(t) // it knows no signature with that token: 400, a dead letter
	waitFor(t, "both events are dead letters", 20*time.Second, func() bool { return s.status(t).Buffer.DeadLetters == 2 })

	said := map[string]string{"the log": s.wholeLog()}
	for name, path := range map[string]string{
		"status": "/smartcar/status", "dead letters": "/smartcar/dead-letters", "events": "/smartcar/events", "handlers": "/smartcar/handlers",
		"the event": "/smartcar/events/" + ids[0], "metrics": "/metrics", "the config": "/config/",
	} {
		said[name] = string(s.askAdmin(t, http.MethodGet, path, "").body)
	}
	for _, args := range [][]string{{"status"}, {"status", "crm"}, {"dead-letters"}, {"events"}} {
		said[strings.Join(args, " ")], _ = s.run(t, args...)
	}
	cmd, _ := command(t, "diagnose", "--address", "unix/"+s.admin)
	bundle, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range unpackBundle(t, bundle) {
		said["the bundle's "+name] = text
	}
	wrong := map[string]string{
		"a line break":  strings.Replace(good, `"s3cr3t-$`, `"s3cr3t\n-$`, 1),
		"a short token": strings.Replace(good, "1b7c7e0e-5f0e-4a35-9d5f-0e5a51c2e7f4", "s3cr3t", 1),
		"two kinds":     good + "    bearer_token = \"s3cr3t\"\n",
		"a wrong name":  strings.Replace(good, "password =", "pasword =", 1),
		"a wrong type":  strings.Replace(good, "username = env.CRM_USER", "username = [\"s3cr3t\"]", 1),
	}
	for name, more := range wrong {
		s.write(t, "handlers.hcl", config(more))
		err := s.adminLoad(t.Context(), s.caddyfile("7d"))
		if err == nil {
			t.Fatalf("%s is taken", name)
		}
		said["the refusal of "+name] = err.Error()
		out, _ := s.run(t, "validate", "--config", filepath.Join(s.dir, "Caddyfile"))
		said["validate of "+name] = out
	}
	for _, pid := range append(p.children(t), p.cmd.Process.Pid) {
		for _, file := range []string{"cmdline", "environ"} {
			if file == "environ" && pid == p.cmd.Process.Pid {
				continue // it is where the secrets come from
			}
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err != nil {
				t.Fatal(err)
			}
			said[fmt.Sprintf("%s of %d", file, pid)] = string(text)
		}
	}
	said["the log at the end"] = s.wholeLog()
	for name, text := range said {
		if len(text) == 0 && !strings.HasPrefix(name, "environ") && !strings.HasPrefix(name, "the bundle's") {
			t.Errorf("%s is empty", name)
		}
		for _, secret := range secrets {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s holds %s: %.300s", name, secret, text[max(0, i-150):])
			}
		}
	}
	if !strings.Contains(said["dead letters"], "http_400") {
		t.Errorf("the dead letters say %s", said["dead letters"])
	}
}
