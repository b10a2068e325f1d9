package integration

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// The tokens of every receiver in these tests, and one of no receiver.
const (
	newToken   = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	oldToken   = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
	otherToken = "11111111-2222-4333-8444-555555555555"
)

// edge is a whole Caddy in this process, on a unix socket, with a disk buffer in a
// temporary folder. There can only be one at a time.
type edge struct {
	dir    string
	client *http.Client
	config edgeConfig
}

// edgeConfig is what a test says about its Caddy, in lines of Caddyfile.
type edgeConfig struct {
	// They go into the global options' blocks of the app and its buffer, into the
	// receiver's block and into the site's.
	App, Buffer, Receiver, Site string
	// Stages is what stands behind log_stages; all where it is empty.
	Stages string
	// Admin is where the admin endpoint listens; off where it is empty.
	Admin string
}

var edgeCaddyfile = template.Must(template.New("Caddyfile").Parse(`{
	admin {{or .Config.Admin "off"}}
	persist_config off
	auto_https off
	grace_period 2s
	storage file_system "{{.Dir}}/caddy"
	log {
		output file "{{.Dir}}/caddy.log" {
			roll_disabled
		}
		level DEBUG
	}
	smartcar {
		buffer disk {
			path "{{.Dir}}/buffer"
			{{.Config.Buffer}}
		}
		log_stages {{or .Config.Stages "all"}}
		{{.Config.App}}
	}
}
http:// {
	bind "unix/{{.Dir}}/s"
	smartcar_webhook /hook {
		token ` + newToken + `
		token ` + oldToken + `
		{{.Config.Receiver}}
	}
	{{.Config.Site}}
}
`))

func startEdge(t *testing.T, config edgeConfig) *edge {
	t.Helper()
	// t.TempDir would make a path that is too long for a socket.
	dir, err := os.MkdirTemp("", "edge")
	if err != nil {
		t.Fatal(err)
	}
	dialer := new(net.Dialer)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", filepath.Join(dir, "s"))
		},
		MaxIdleConnsPerHost: 64,
		DisableCompression:  true,
	}
	e := &edge{dir: dir, client: &http.Client{Transport: transport, Timeout: 20 * time.Second}, config: config}
	t.Cleanup(func() {
		e.stop(t)
		keepsPersonalData(t, dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	e.start(t)
	return e
}

func (e *edge) start(t *testing.T) {
	t.Helper()
	if err := e.load(t, e.config); err != nil {
		t.Fatal(err)
	}
}

// load loads a config for the edge, as its first one or as a reload.
func (e *edge) load(t *testing.T, config edgeConfig) error {
	t.Helper()
	var text bytes.Buffer
	if err := edgeCaddyfile.Execute(&text, map[string]any{"Dir": filepath.ToSlash(e.dir), "Config": config}); err != nil {
		t.Fatal(err)
	}
	return caddy.Load(adapt(t, text.Bytes()), true)
}

func (e *edge) stop(t *testing.T) {
	t.Helper()
	e.client.CloseIdleConnections()
	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
}

func adapt(t *testing.T, caddyfile []byte) []byte {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(caddyfile, map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// log is what Caddy has logged so far.
func (e *edge) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.dir, "caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// awaitLog waits until Caddy has logged a text.
func (e *edge) awaitLog(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(e.log(t), text) {
		select {
		case <-ctx.Done():
			t.Fatalf("not logged: %s", text)
		case <-tick.C:
		}
	}
}

// content is what the buffer holds.
type content struct {
	events      []buffer.Event
	deadLetters []buffer.DeadLetter
}

// read stops Caddy and reads its buffer.
func (e *edge) read(t *testing.T) content {
	t.Helper()
	e.stop(t)
	b, err := disk.Open(t.Context(), disk.Options{Path: filepath.Join(e.dir, "buffer")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	consumer, err := b.Consumer(t.Context(), "reader")
	if err != nil {
		t.Fatal(err)
	}
	var c content
	for consumer.Stats().Pending > 0 {
		leases, err := consumer.Lease(t.Context(), buffer.Room{Events: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range leases {
			c.events = append(c.events, l.Event)
		}
	}
	for letter, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		c.deadLetters = append(c.deadLetters, letter)
	}
	return c
}

// webhook is one request and the answer that it must get.
type webhook struct {
	// method is POST and contentType application/json where they are empty.
	method, contentType string
	body                string
	// token signs the body; signatures, if set, are sent instead.
	token      string
	signatures []string
	header     http.Header
	// chunked leaves the Content-Length away.
	chunked bool

	status int
	// code is the answer's "error", or its "status" where status is 200.
	code string
	// answer is the whole answer, if set.
	answer string
}

// send makes the request and checks the answer.
func (p webhook) send(t *testing.T, e *edge) {
	t.Helper()
	status, header, body, err := p.do(t.Context(), e)
	if err != nil {
		t.Error(err)
		return
	}
	if status != p.status {
		t.Errorf("status %d, want %d: %s", status, p.status, body)
	}
	if p.code != "" && !strings.Contains(body, `":"`+p.code+`"`) {
		t.Errorf("answer %s, want code %s", body, p.code)
	}
	if p.answer != "" && body != p.answer {
		t.Errorf("answer %s, want %s", body, p.answer)
	}
	if body != "" && header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", header.Get("Content-Type"))
	}
	if status == http.StatusMethodNotAllowed && header.Get("Allow") != http.MethodPost {
		t.Errorf("Allow %q", header.Get("Allow"))
	}
	if status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}

func (p webhook) do(ctx context.Context, e *edge) (int, http.Header, string, error) {
	method := p.method
	if method == "" {
		method = http.MethodPost
	}
	var body io.Reader = strings.NewReader(p.body)
	if p.chunked {
		body = io.MultiReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://edge/hook", body)
	if err != nil {
		return 0, nil, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if p.contentType != "" {
		r.Header.Set("Content-Type", p.contentType)
	}
	for name, values := range p.header {
		r.Header[name] = values
	}
	switch {
	case p.signatures != nil:
		r.Header["Sc-Signature"] = p.signatures
	case p.token != "":
		r.Header.Set("SC-Signature", smartcar.Sign(p.token, []byte(p.body)))
	}
	resp, err := e.client.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(answer), err
}
