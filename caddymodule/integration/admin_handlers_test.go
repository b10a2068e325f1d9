package integration

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// A pause holds one handler's events and no other's, over a reload and a restart.
func TestAdminPause(t *testing.T) {
	t.Parallel()
	s, app := newAdminSite(t)
	p := s.startAdmin(t)
	before := s.sendEvents(t, "car-1", 2)
	s.settled(t)
	s.must(t, "crm is paused since", "pause", "crm", "--drain")
	held := s.sendEvents(t, "car-1", 5)
	waitFor(t, "the archive has them all", 10*time.Second, func() bool { return len(s.received(t)) == 7 })

	check := func(when string) {
		t.Helper()
		crm := s.handler(t, "crm")
		if crm.State != "paused" || crm.PausedSince.IsZero() || crm.Behind.Events != 5 || crm.Behind.Seconds <= 0 {
			t.Errorf("%s: %+v", when, crm)
		}
		if diff := cmp.Diff(before, app.events()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	check("paused")
	if err := s.adminLoad(t.Context(), s.caddyfile("8d")); err != nil {
		t.Fatal(err)
	}
	check("after a reload")
	p.terminate(t)
	s.startAdmin(t)
	check("after a restart")
	out, code := s.run(t, "status")
	if code != 1 || !strings.Contains(out, "crm is paused, 5 events wait") {
		t.Errorf("status: exit code %d\n%s", code, out)
	}
	s.must(t, "crm goes on", "resume", "crm")
	s.settled(t)
	if diff := cmp.Diff(append(before, held...), app.events()); diff != "" {
		t.Error(diff)
	}
	s.must(t, "Nothing needs attention", "status")
	s.must(t, "State", "status", "crm")
	if out := s.must(t, "", "status", "crm", "--json"); !strings.HasPrefix(out, `{"name":"crm"`) {
		t.Errorf("status crm --json:\n%s", out)
	}
	if out, code := s.run(t, "status", "cms"); code != 2 || !strings.Contains(out, "there are archive, crm") {
		t.Errorf("status of no handler: exit code %d\n%s", code, out)
	}
	if out, code := s.run(t, "staus"); code != 2 || !strings.Contains(out, `there is no "staus"`) {
		t.Errorf("no command: exit code %d\n%s", code, out)
	}
	s.must(t, "0 in flight", "drain", "archive")
	s.must(t, "archive goes on", "resume", "archive")
	s.refused(t, `no handler "cms": there are archive, crm`, "pause", "cms")
}

// A removed handler stays visible, can be put back, and is forgotten only on purpose.
func TestAdminForget(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s, app := newAdminSite(t)
	s.startAdmin(t)
	s.must(t, "paused", "pause", "crm")
	s.sendEvents(t, "car-1", 3)
	s.refused(t, "handlers file", "forget", "crm")
	archive, _, _ := strings.Cut(s.adminHandlers(app.url), `handler "crm"`)
	s.write(t, "handlers.hcl", archive)
	if err := s.adminLoad(t.Context(), s.caddyfile("8d")); err != nil {
		t.Fatal(err)
	}
	v := s.status(t)
	if len(v.Removed) != 1 || v.Removed[0].Name != "crm" || v.Removed[0].Behind.Events != 3 || len(v.Handlers) != 1 {
		t.Fatalf("%+v", v)
	}
	if kept := v.Removed[0].LetGoAt.Sub(v.Removed[0].RemovedAt); kept != 8*24*time.Hour {
		t.Errorf("its backlog is kept for %v, want the retention", kept)
	}
	out, code := s.run(t, "status")
	if code != 1 || !strings.Contains(out, "3 events wait for crm") {
		t.Errorf("status: exit code %d\n%s", code, out)
	}
	if answer := s.askAdmin(t, http.MethodPost, "/smartcar/handlers/crm/resume", ""); answer.status != http.StatusConflict {
		t.Errorf("resuming a removed handler: %d %s", answer.status, answer.body)
	}
	if out, code := s.run(t, "status", "crm"); code != 1 || !strings.Contains(out, "removed") || !strings.Contains(out, "Let go") {
		t.Errorf("status of a removed handler: exit code %d\n%s", code, out)
	}
	s.must(t, "3 events wait for crm", "forget", "crm", "--dry-run")
	s.refused(t, "--yes", "forget", "crm")
	if n := len(s.status(t).Removed); n != 1 {
		t.Fatalf("%d removed handlers, want 1 still", n)
	}
	s.must(t, "crm is forgotten", "forget", "crm", "--yes")
	s.must(t, "Nothing needs attention", "status")
	s.refused(t, "crm", "forget", "crm", "--yes")
	s.refused(t, "archive", "forget", "archive", "--yes")
}

// What is wrong with a request is said, with what would be right.
func TestAdminRefusals(t *testing.T) {
	t.Parallel()
	s, _ := newAdminSite(t)
	s.startAdmin(t)
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/smartcar/status", "", 405, "use GET, HEAD"},
		{"GET", "/smartcar/handlers/crm/pause", "", 405, "use POST"},
		{"PUT", "/smartcar/handlers/crm", "", 405, "use DELETE, GET, HEAD"},
		{"GET", "/smartcar/handlers/x", "", 404, "there are archive, crm"},
		{"GET", "/smartcar/dead-letters?handler=x", "", 404, "there are archive, crm"},
		{"POST", "/smartcar/replays", `{"handler": "crm", "all": true, "rate": 0}`, 400, "0.01 to 10000"},
		{"DELETE", "/smartcar/events", "", 405, "use GET, HEAD"},
		{"GET", "/smartcar/statuss", "", 404, "/smartcar/dead-letters/{id}"},
		{"GET", "/smartcar/events?vehicel=x", "", 400, `unknown parameter "vehicel": there are source, vehicle`},
		{"GET", "/smartcar/status?x=1", "", 400, "there are none here"},
		{"GET", "/smartcar/events/abc", "", 400, "must be a whole number"},
		{"GET", "/smartcar/events/12", "", 404, "stored are 0 to 0"},
		{"GET", "/smartcar/events?id=abc", "", 404, "of the receivers default"},
		{"GET", "/smartcar/events?id=abc&vehicle=v", "", 400, "only source is possible"},
		{"GET", "/smartcar/dead-letters/0123", "", 404, "no dead letter"},
		{"GET", "/smartcar/replays/x", "", 404, "no replay"},
		{"POST", "/smartcar/replays/x/stop", "", 404, "x"},
		{"POST", "/smartcar/replays", "", 400, "the body is empty"},
		{"POST", "/smartcar/replays", `{"filter": {"vehicle": "v"}}`, 400, "handler is missing"},
		{"POST", "/smartcar/replays", `{"handler": "crm"}`, 400, `"all": true`},
		{"POST", "/smartcar/replays", `{"handler": "crm", "all": true, "rate": -1}`, 400, "rate"},
		{"POST", "/smartcar/replays", `{"handler": "crm", "filter": {"reason": "poison"}}`, 400, "reason"},
		{"POST", "/smartcar/replays", `{"handler": "x", "all": true}`, 404, "there are archive, crm"},
		{"POST", "/smartcar/dead-letters/replay", `{"filters": {}}`, 400, `unknown field "filters": there are filter.`},
		{"POST", "/smartcar/dead-letters/replay", `{}`, 400, `"all": true`},
		{"DELETE", "/smartcar/dead-letters?dry_run=true", "", 400, "all=true"},
		{"DELETE", "/smartcar/dead-letters?all=true&vehicle=v", "", 400, "one of them"},
		{"DELETE", "/smartcar/handlers/crm", "", 409, "remove it from the handlers file first"},
		{"DELETE", "/smartcar/handlers/x", "", 404, "x"},
		{"POST", "/smartcar/handlers/x/pause", "", 404, "there are archive, crm"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path+" "+tt.body, func(t *testing.T) {
			answer := s.askAdmin(t, tt.method, tt.path, tt.body)
			if answer.status != tt.status || !strings.Contains(answer.said(), tt.want) {
				t.Errorf("%d %s; want %d with %q", answer.status, answer.body, tt.status, tt.want)
			}
			if allow := answer.header.Get("Allow"); (answer.status == http.StatusMethodNotAllowed) != (allow != "") || !strings.HasSuffix(tt.want, allow) && allow != "" {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
	// A page of another site cannot give orders, even without a body.
	for _, headers := range [][]string{
		{"Origin", "https://evil.example"}, {"Sec-Fetch-Mode", "no-cors"}, {"Origin", "null"},
	} {
		if answer := s.askAdmin(t, http.MethodPost, "/smartcar/handlers/crm/pause", "", headers...); answer.status < 400 {
			t.Errorf("%v: %d", headers, answer.status)
		}
	}
	if crm := s.handler(t, "crm"); crm.State != "ok" {
		t.Errorf("%+v", crm)
	}
}

// The API is about the config in force, whatever was loaded before.
func TestAdminOverReloads(t *testing.T) {
	t.Parallel()
	s, _ := newAdminSite(t)
	s.startAdmin(t)
	s.sendEvents(t, "car-1", 2)
	s.settled(t)
	other := strings.Replace(s.caddyfile("7d"), "/buffer\n", "/other\n", 1)
	without := "{\n\tadmin unix/" + s.dir + "/admin.sock\n\tpersist_config off\n}\n"
	steps := []struct {
		name, caddyfile string
		events          uint64
	}{
		{"changed", s.caddyfile("8d"), 2},
		{"another buffer", other, 0},
		{"back", s.caddyfile("7d"), 2},
	}
	for _, step := range steps {
		if err := s.adminLoad(t.Context(), step.caddyfile); err != nil {
			t.Fatal(err)
		}
		if v := s.status(t); v.Buffer.Events != step.events || !v.Receiving.Healthy || len(v.Handlers) != 2 {
			t.Errorf("%s: %+v", step.name, v)
		}
	}
	if err := s.adminLoad(t.Context(), strings.Replace(s.caddyfile("7d"), "retention 7d", "retention never", 1)); err == nil {
		t.Error("a wrong config was accepted")
	}
	if v := s.status(t); v.Buffer.Events != 2 {
		t.Errorf("after a refused config: %+v", v)
	}
	s.must(t, "Nothing needs attention", "status")
	if err := s.adminLoad(t.Context(), without); err != nil {
		t.Fatal(err)
	}
	answer := s.askAdmin(t, http.MethodGet, "/smartcar/status", "")
	if answer.status != http.StatusNotFound || !strings.Contains(answer.said(), "smartcar_webhook") {
		t.Errorf("without the app: %d %s", answer.status, answer.body)
	}
	if out, code := s.run(t, "status"); code != 2 || !strings.Contains(out, "smartcar_webhook") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// The commands find the running Caddy by its address or its config, and say what to do
// when there is none.
func TestAdminAddress(t *testing.T) {
	t.Parallel()
	s, _ := newAdminSite(t)
	cmd, _ := command(t, "status", "--address", "unix/"+s.admin)
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 2 || !strings.Contains(string(out), "--address") || !strings.Contains(string(out), "admin off") {
		t.Errorf("without Caddy: %v\n%s", err, out)
	}
	s.startAdmin(t)
	cmd, _ = command(t, "status", "--config", s.dir+"/Caddyfile")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Receiving  yes") {
		t.Errorf("with --config: %v\n%s", err, out)
	}
}

// A plain reload of the same Caddyfile takes a change of the handlers files, and nothing else.
func TestReloadTakesHandlersFiles(t *testing.T) {
	t.Parallel()
	s, app := newAdminSite(t)
	s.startAdmin(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reload := func() {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), self, "reload", "--config", filepath.Join(s.dir, "Caddyfile"))
		cmd.Env = append(os.Environ(), "SMARTCAR_TOKEN="+testToken)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "Caddyfile")); err != nil {
		t.Fatal(err)
	}
	before := s.handler(t, "crm").Plugin.PID
	reload()
	if same := s.handler(t, "crm").Plugin.PID; same != before {
		t.Errorf("nothing has changed, and process %d became %d", before, same)
	}
	s.write(t, "handlers.hcl", strings.Replace(s.adminHandlers(app.url), `handler "archive"`, `handler "attic"`, 1))
	reload()
	if v := s.status(t); len(v.Handlers) != 2 || v.Handlers[0].Name != "attic" {
		t.Errorf("after the reload there are %+v", v.Handlers)
	}
}
