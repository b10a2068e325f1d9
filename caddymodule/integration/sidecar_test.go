package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const (
	// sidecarExample is the folder whose files these tests run.
	sidecarExample = "../../examples/sidecar/"
	// expressFolder is an environment variable with the path of a folder in which the packages of the example's
	// application are installed. Without it npm installs them for each run.
	expressFolder = "SMARTCAR_EXPRESS"
)

// expressApp is the example's application in Express.
type expressApp struct {
	dir, port, events string
	out               bytes.Buffer // of a process that has ended
	cmd               *exec.Cmd
}

// newExpressApp puts the application and its packages into a folder.
func newExpressApp(t *testing.T) *expressApp {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			proof.Missing(t, program, err)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"app.mjs", "package.json"} {
		text, err := os.ReadFile(sidecarExample + "express/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if installed := os.Getenv(expressFolder); installed != "" {
		if err := os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
	} else {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		install := exec.CommandContext(ctx, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline")
		install.Dir = dir
		if out, err := install.CombinedOutput(); err != nil {
			proof.Missing(t, "npm", err, string(out))
		}
	}
	return &expressApp{dir: dir, port: fmt.Sprint(freePort(t)), events: filepath.Join(dir, "events.jsonl")}
}

func (a *expressApp) url() string { return "http://127.0.0.1:" + a.port + "/webhooks/smartcar" }

// start runs the application until stop.
func (a *expressApp) start(t *testing.T) {
	t.Helper()
	a.cmd = exec.Command("node", "app.mjs")
	a.cmd.Dir = a.dir
	a.cmd.Env = append(os.Environ(), "SMARTCAR_TOKEN="+testToken, "PORT="+a.port, "EVENTS_FILE="+a.events)
	a.cmd.Stdout, a.cmd.Stderr = &a.out, &a.out
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.end(t, os.Kill) })
}

// stop ends it as systemd does.
func (a *expressApp) stop(t *testing.T) {
	t.Helper()
	a.end(t, syscall.SIGTERM)
}

func (a *expressApp) end(t *testing.T, signal os.Signal) {
	t.Helper()
	if a.cmd.ProcessState != nil {
		return
	}
	if err := a.cmd.Process.Signal(signal); err != nil {
		t.Error(err)
	}
	_ = a.cmd.Wait()
}

// stored are the ids of the events that it has taken, by vehicle and in its order.
func (a *expressApp) stored(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(a.events)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	ids := map[string][]string{}
	for line := range bytes.Lines(text) {
		var event struct{ EventID, VehicleID string }
		if !bytes.HasSuffix(line, []byte("\n")) {
			continue // being written
		}
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatal(err)
		}
		ids[event.VehicleID] = append(ids[event.VehicleID], event.EventID)
	}
	return ids
}

// newSidecar is a site with the example's own Caddyfile and handlers, before an application.
func newSidecar(t *testing.T, app *expressApp) *site {
	t.Helper()
	s := newSite(t)
	for name, replace := range map[string]*strings.Replacer{
		"Caddyfile": strings.NewReplacer("localhost:8080", fmt.Sprintf("localhost:%d", s.port), "./data", s.buffer,
			"handlers handlers.hcl", "handlers "+filepath.Join(s.dir, "handlers.hcl")),
		"handlers.hcl": strings.NewReplacer("127.0.0.1:3000", "127.0.0.1:"+app.port, `"events.jsonl"`, quote(s.events),
			`cooldown = "10s"`, `cooldown = "1s"`),
	} {
		text, err := os.ReadFile(sidecarExample + name)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, name, replace.Replace(string(text)))
	}
	s.env = []string{"CADDY_ADMIN=unix/" + s.admin}
	s.url = fmt.Sprintf("http://localhost:%d/webhooks/smartcar", s.port)
	return s
}

// An application in Express with Smartcar's SDK stays as it is behind Caddy: what came while it was away arrives, once
// and in order, and its own check of the signature refuses nothing of that, and what is forged as before.
func TestSidecarExpress(t *testing.T) {
	proof.SkipInShort(t, "it waits for processes of others")
	t.Parallel()
	const challenge = "Qx7mT2vLp9Rk4ZsA"
	app := newExpressApp(t)
	s := newSidecar(t, app)
	s.spawn(t)
	waitFor(t, "Caddy answers", 30*time.Second, func() bool {
		resp, err := s.client.Get(s.url)
		return err == nil && resp.Body.Close() == nil
	})
	vehicles := []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
	sent := map[string][]string{}
	send := func() {
		t.Helper()
		for range 10 {
			for _, v := range vehicles {
				id := uuid.NewString()
				body := sidecarEvent(id, v)
				status, err := post(s.client, s.url, body, smartcar.Sign(testToken, body))
				if err != nil || status != http.StatusOK {
					t.Fatalf("answered %d, %v\n%s", status, err, s.log())
				}
				sent[v] = append(sent[v], id)
			}
		}
	}
	arrived := func() {
		t.Helper()
		waitFor(t, "all events at the application", 30*time.Second, func() bool {
			got := app.stored(t)
			return !slices.ContainsFunc(vehicles, func(v string) bool { return len(got[v]) < len(sent[v]) })
		})
	}

	// It is away, and Smartcar's questions are answered all the same.
	send()
	if got := s.verify(t, challenge); got != smartcar.Sign(testToken, []byte(challenge)) {
		t.Errorf("VERIFY at the edge: %s", got)
	}
	app.start(t)
	arrived()
	send()
	arrived()
	app.stop(t)
	send()
	app.start(t)
	arrived()

	// Its own code is at work.
	forged := sidecarEvent(uuid.NewString(), vehicles[0])
	status, err := post(s.client, app.url(), forged, smartcar.Sign(otherToken, forged))
	if err != nil || status != http.StatusUnauthorized {
		t.Errorf("a forged event straight to the application: %d, %v", status, err)
	}
	if got := (&site{client: s.client, url: app.url()}).verify(t, challenge); got != smartcar.Sign(testToken, []byte(challenge)) {
		t.Errorf("VERIFY at the application: %s", got)
	}
	app.stop(t)
	for _, v := range vehicles {
		if got := app.stored(t)[v]; !slices.Equal(got, sent[v]) {
			t.Errorf("events of a vehicle at the application:\n%v\nsent:\n%v", got, sent[v])
		}
	}
	// The forged one alone.
	if out := app.out.String(); strings.Count(out, "refused: wrong signature") != 1 || strings.Contains(out, "again ") {
		t.Errorf("the application says:\n%s", out)
	}
}

// systemd finds nothing to complain about in the application's unit, which and Caddy's leave each other alone.
func TestSidecarUnit(t *testing.T) {
	const file = sidecarExample + "express/legacy-app.service"
	for of, other := range map[string]string{file: "caddy", systemdExample + "caddy.service": "legacy-app"} {
		u := readUnit(t, of)
		for _, key := range []string{"After", "Before", "Wants", "Requires", "Requisite", "BindsTo", "PartOf", "Upholds", "Conflicts"} {
			if slices.Contains(u.words("Unit."+key), other+".service") {
				t.Errorf("%s: %s=%s", of, key, other)
			}
		}
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		proof.Missing(t, "systemd-analyze", err)
	}
	verifyUnits(t, "/usr/bin/node", file)
}

// sidecarEvent is an event of a vehicle, the same bytes whenever it is made.
func sidecarEvent(id, vehicle string) []byte {
	at := time.Unix(1_790_000_000, 0)
	return smartcar.Sample{EventID: id, VehicleID: vehicle, DeliveryID: id, DeliveredAt: at, RecordedAt: at, Mode: "LIVE"}.VehicleState()
}
