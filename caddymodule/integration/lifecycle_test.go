package integration

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// A request that began under one config ends under the next, in the same buffer.
func TestRequestOutlivesItsConfig(t *testing.T) {
	e := startEdge(t, edgeConfig{})
	p := begin(t, e)
	if err := e.load(t, edgeConfig{Buffer: "retention 1d"}); err != nil {
		t.Fatal(err)
	}
	if status, text := p.finish(t); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	good(state("later", "")).send(t, e)
	e.read(t).check(t, []string{"part", "later"}, false, 0)
}

// When no config has the buffer any more, a late request is told to come back.
func TestRequestOutlivesItsBuffer(t *testing.T) {
	e := startEdge(t, edgeConfig{})
	good(state("first", "")).send(t, e)
	p := begin(t, e)
	if err := caddy.Load([]byte(`{"admin": {"disabled": true, "config": {"persist": false}}, "apps": {"http": {"grace_period": "5s"}}}`), true); err != nil {
		t.Fatal(err)
	}
	if status, text := p.finish(t); status != http.StatusServiceUnavailable || !strings.Contains(text, "buffer_closed") {
		t.Errorf("%d %s", status, text)
	}
	e.read(t).check(t, []string{"first"}, false, 0)
}

// A config that cannot start is taken back, and receiving never stopped.
func TestRefusedReload(t *testing.T) {
	e := startEdge(t, edgeConfig{})
	good(state("before", "")).send(t, e)
	for name, config := range map[string]edgeConfig{
		"another app does not start":      {Site: "}\nhttp://unresolvable.invalid:9 {\nbind unresolvable.invalid"},
		"with limits that must not stay":  {Buffer: "headroom 1EiB", Site: "}\nhttp://unresolvable.invalid:9 {\nbind unresolvable.invalid"},
		"a token is missing":              {Receiver: "token {env.SMARTCAR_NOT_SET}"},
		"the handlers file has a mistake": {App: "handlers testdata/wrong_handlers.hcl"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := e.load(t, config); err == nil {
				t.Fatal("accepted")
			}
			good(state(name, "")).send(t, e)
			duplicate(state("before", "")).send(t, e)
		})
	}
	if events := e.read(t).events; len(events) != 5 {
		t.Errorf("%d events, want 5", len(events))
	}
}

// Without a word about the app, events are kept in Caddy's data directory.
func TestDefaultApp(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	dir, err := os.MkdirTemp("", "edge")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	config := `{"admin": {"disabled": true, "config": {"persist": false}}, "apps": {"http": {"servers": {"s": {
		"listen": ["unix/` + dir + `/s"], "automatic_https": {"disable": true},
		"routes": [{"handle": [{"handler": "smartcar_webhook", "tokens": [` + quote(newToken) + `]}]}]}}}}}`
	if err := caddy.Load([]byte(config), true); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "s"))
	}}
	defer transport.CloseIdleConnections()
	good(state("e", "")).send(t, &edge{dir: dir, client: &http.Client{Transport: transport}})
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	b, err := disk.Open(t.Context(), disk.Options{Path: filepath.Join(data, "caddy", "smartcar")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if last := b.Stats().Last; last == 0 {
		t.Error("nothing is stored")
	}
}

// `caddy validate` touches no disk.
func TestValidateTouchesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not-there")
	config := caddyJSON(t, `{"admin": {"disabled": true}, "apps": {
		"smartcar": {"buffer": {"type": "disk", "path": `+quote(dir)+`}},
		"http": {"servers": {"s": {"listen": [":0"], "routes": [{"handle": [{"handler": "smartcar_webhook", "tokens": [`+quote(newToken)+`]}]}]}}}}}`)
	if err := caddy.Validate(config); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("validate made the buffer's directory: %v", err)
	}
}

// The user's error routes render refusals, and access logs can show what happened.
func TestErrorRoutesAndPlaceholders(t *testing.T) {
	e := startEdge(t, edgeConfig{Site: `
	log
	log_append outcome {http.smartcar.outcome}
	log_append event_id {http.smartcar.event_id}
	log_append event_type {http.smartcar.event_type}
	log_append vehicle_id {http.smartcar.vehicle_id}
	log_append token {http.smartcar.token}
	handle_errors {
		header Content-Type application/json
		respond "{err.status_code} {http.smartcar.outcome} {err.message}"
	}`})
	one(
		webhook{body: state("e", ""), token: oldToken, status: http.StatusOK, code: "stored"},
		bad(401, "", func(p *webhook) {
			p.token = otherToken
			p.answer = "401 refused:signature_mismatch signature_mismatch: the SC-Signature header does not match the body"
		}),
		bad(405, "", func(p *webhook) { p.method = http.MethodGet }),
	)(t, e)
	e.stop(t)
	for _, want := range []string{
		`"outcome":"stored"`, `"event_id":"e"`, `"event_type":"VEHICLE_STATE"`, `"vehicle_id":"car-1"`, `"token":"2"`,
		`"outcome":"refused:signature_mismatch"`, `"outcome":"refused:method_not_allowed"`,
	} {
		if !strings.Contains(e.log(t), want) {
			t.Errorf("the access log lacks %s", want)
		}
	}
}
