package integration

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Secrets of the config, the handlers file and a plugin. What is of events is in personalData.
const (
	ownSecret    = "s3cr3t-that-a-plugin-says"
	slackSecret  = "T0SECRET/B0SECRET/s3cr3tHook"
	headerSecret = "Bearer s3cr3t-of-another-site"
	userSecret   = "alice-s3cr3t"
	hashSecret   = "$2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG"
	envSecret    = "s3cr3t-of-the-environment"
	fileSecret   = "s3cr3t-in-quarantine"
	whenSecret   = "36ab27d0-fd9d-4455-823a-ce30af709ffc"
)

// notInBundles are those secrets, in parts where a part alone would be one, and ids of vehicles, which logs may hold.
var notInBundles = []string{
	ownSecret, "T0SECRET", "s3cr3t", headerSecret, hashSecret, "Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT", whenSecret, "203.0.113.",
}

// unpackBundle returns the files of a bundle by their names below its folder.
func unpackBundle(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return text
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(h.Name, "/")
		text[path.Clean(name)] = string(content)
	}
}

// A bundle of a whole Caddy holds nothing of what its logs may not hold, after all that these were tried with, nor what a
// config, a handlers file and a plugin's own words have beside it.
func TestBundleKeepsPersonalData(t *testing.T) {
	handlers := filepath.Join(t.TempDir(), "handlers.hcl")
	limits := "retry {\n max_attempts = 2\n min_delay = \"10ms\"\n max_delay = \"10ms\"\n}\n"
	telltale := ownHandler(t, "telltale", "telltale", limits+"when = event.vehicle != \""+whenSecret+"\"\n", map[string]string{"secret": ownSecret})
	telltale = strings.Replace(telltale, "env    = {", "env    = { PGPASSWORD = \""+envSecret+"\", ", 1)
	moody := ownHandler(t, "moody", "moody", limits, nil)
	if err := os.WriteFile(handlers, []byte("# "+envSecret+"\n"+telltale+moody), 0o600); err != nil {
		t.Fatal(err)
	}
	admin := filepath.Join(shortDir(t), "a.sock")
	e := startEdge(t, edgeConfig{
		Admin: "unix/" + admin,
		App: "handlers " + handlers + "\nattention {\n slack http://127.0.0.1:1/services/" + slackSecret + "\n after 1h\n" +
			" webhook http://127.0.0.1:1/ {\n header X-Key \"" + headerSecret + "\"\n}\n}\n",
		Receiver: "verify_rate 1000 1000",
		Site:     "header /other Authorization \"" + headerSecret + "\"\nbasic_auth /other {\n" + userSecret + " " + hashSecret + "\n}\nrespond /other \"" + fileSecret + "\"",
	})
	// Caddy keeps its admin endpoint when it stops, but not under a config that has none.
	t.Cleanup(func() {
		if err := e.load(t, edgeConfig{App: "handlers " + handlers}); err != nil {
			t.Error(err)
		}
	})
	quarantine := filepath.Join(e.dir, "buffer", "quarantine")
	if err := os.MkdirAll(quarantine, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(quarantine, fileSecret), []byte(fileSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	sendPersonal(t, e)
	state := vectorBody(t, "own-state-body")
	good(strings.Replace(state, "a9f3d2c1-7b6e-4a5d-8c9f-0e1d2c3b4a59", "down-1", 1)).send(t, e)
	for _, want := range []string{`"reason":"rejected"`, `"reason":"exhausted"`, "s3cr3t-that-a-plugin-says of", `"breaker opens`, `"code":"signature_mismatch"`} {
		e.awaitLog(t, want)
	}

	cmd, _ := command(t, "diagnose", "--address", "unix/"+admin)
	var out, says bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &says
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, says.String())
	}
	text := unpackBundle(t, out.Bytes())
	vehicles := vehicleIDs(t)
	for name, content := range text {
		if what, line := personalIn([]byte(content)); what != "" {
			t.Errorf("%s holds %s: %.300s", name, what, line)
		}
		for _, not := range slices.Concat(notInBundles, vehicles) {
			if i := strings.Index(content, not); i >= 0 {
				t.Errorf("%s holds %s: %.300s", name, not, content[max(0, i-100):])
			}
		}
	}
	if what, _ := personalIn(says.Bytes()); what != "" || strings.Contains(says.String(), "s3cr3t") {
		t.Errorf("stderr holds %s: %s", what, says.String())
	}

	// All the same it tells what is going on.
	for name, wants := range map[string][]string{
		"errors.txt":  {},
		"README.txt":  {"Read it before you send it"},
		"status.txt":  {"Receiving", "telltale", "moody", "(left out)"},
		"status.json": {`"state": "breaker-open"`, `"name": "telltale"`, `"version"`},
		"health.json": {`"ready": true`},
		"log.jsonl": {`"code":"signature_mismatch"`, "breaker opens", `"handler":"telltale"`, "what a plugin printed is left out",
			`"logger":"http.handlers.smartcar_webhook"`, `"event_id":"rejected-1"`},
		"build.txt":   {"github.com/caddy-smartcar/caddy-smartcar", "http.handlers.smartcar_webhook"},
		"config.json": {`"handler": "smartcar_webhook"`, `"type": "disk"`, "(masked)", handlers},
		"handlers/1-handlers.hcl": {`handler "telltale" {`, "max_attempts = 2", `event.vehicle != "***"`, `PGPASSWORD = "***"`,
			`secret = "***"`},
		"disk.json":      {`"file_system"`, `"mode": "0700"`, `"free_bytes"`},
		"files.txt":      {"LOCK", "quarantine\n  (1 files in it, "},
		"machine.json":   {`"goroutines"`, `"limits"`},
		"goroutines.txt": {"goroutine profile: total", "engine"},
		"metrics.txt":    {"caddy_smartcar_", "go_goroutines"},
	} {
		content, ok := text[name]
		if !ok {
			t.Errorf("%s is missing: %s", name, text["errors.txt"])
		}
		for _, want := range wants {
			if !strings.Contains(content, want) {
				t.Errorf("%q is not in %s:\n%.3000s", want, name, content)
			}
		}
	}
}

// vehicleIDs are those of the events that sendPersonal sends.
func vehicleIDs(t *testing.T) (ids []string) {
	t.Helper()
	for _, body := range []string{
		vectorBody(t, "own-state-body"), vectorBody(t, "own-error-body"), string(smartcar.Sample{}.VehicleState()), string(smartcar.Sample{}.VehicleError()),
	} {
		envelope, err := smartcar.ParseEnvelope([]byte(body))
		if err != nil || envelope.VehicleID == "" {
			t.Fatalf("no vehicle in %.100s: %v", body, err)
		}
		ids = append(ids, envelope.VehicleID)
	}
	return ids
}

// While a part hangs, or there is no Caddy, the command ends and says what is missing.
func TestDiagnoseWithoutCaddy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cmd, _ := command(t, "diagnose", "--config", filepath.Join(s.dir, "Caddyfile"))
	var out, says bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &says
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, says.String())
	}
	text := unpackBundle(t, out.Bytes())
	for _, name := range []string{"README.txt", "errors.txt", "build.txt", "machine.json", "config-file.json", "handlers/1-handlers.hcl", "disk.json"} {
		if _, ok := text[name]; !ok {
			t.Errorf("%s is missing: %s", name, says.String())
		}
	}
	if !strings.Contains(text["errors.txt"], "no answer from Caddy's admin endpoint") {
		t.Errorf("errors.txt: %s", text["errors.txt"])
	}
	if !strings.Contains(says.String(), fmt.Sprintf("%d files", len(text))) {
		t.Errorf("stderr: %s", says.String())
	}
}
