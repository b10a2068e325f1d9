package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

var selfCheckCaddyfile = template.Must(template.New("Caddyfile").Funcs(template.FuncMap{
	"receiver": func(path, source string) string {
		return "smartcar_webhook " + path + " {\n\t\tsource " + source + "\n\t\ttoken {env.SMARTCAR_TOKEN}\n\t}"
	},
	"port": func(ports []int, i int) int { return ports[i] },
}).Parse(`{
	admin off
	persist_config off
	auto_https disable_redirects
	grace_period 2s
	storage file_system "{{.Dir}}/caddy"
	log {
		output file "{{.Dir}}/caddy.log" {
			roll_disabled
		}
		level DEBUG
	}
	servers :{{port .Ports 5}} {
		listener_wrappers {
			proxy_protocol {
				fallback_policy require
			}
		}
	}
	smartcar {
		buffer disk {
			path "{{.Dir}}/buffer"
		}
	}
}
{{define "log"}}log {
		output file "{{.Dir}}/access.log" {
			roll_disabled
		}
	}{{end}}
https://localhost:{{port .Ports 0}} {
	tls {{.Dir}}/cert.pem {{.Dir}}/key.pem
	{{template "log" .}}
	{{receiver "/hook" "tls"}}
	respond 404
}
http://hooks.example:{{port .Ports 1}} {
	bind 127.0.0.1
	{{template "log" .}}
	handle_path /api/* {
		{{receiver "/hook" "plain"}}
	}
	respond 404
}
http:// {
	bind "unix/{{.Dir}}/s"
	{{template "log" .}}
	{{receiver "/hook" "socket"}}
	respond 404
}
{{if .Broken}}
http://:{{port .Ports 2}} {
	basic_auth argon2id { # bcrypt, which is the default, takes seconds under the race detector
		smartcar $argon2id$v=19$m=47104,t=1,p=1$GGcL9ODa18wPsI3WYifY4w$7oFJc1BXeG4KfNlsAscAkUEv/3fJcx5lxifR/QtxokY
	}
	{{receiver "/hook" "locked"}}
	respond 404
}
http://:{{port .Ports 3}} {
	request_body {
		max_size 1KB
	}
	{{receiver "/hook" "small"}}
	respond 404
}
http://:{{port .Ports 4}} {
	route {
		respond "It works!"
		{{receiver "/hook" "shadowed"}}
	}
}
http://:{{port .Ports 5}} {
	{{receiver "/hook" "proxied"}}
	respond 404
}
http:// {
	bind "unix/{{.Dir}}/gone"
	{{receiver "/hook" "gone"}}
	respond 404
}
http://:{{port .Ports 6}} {
	route {
		reverse_proxy {{.Relay}}
		{{receiver "/hook" "relayed"}}
	}
}
http://:{{port .Ports 7}} {
	request_header -Cookie
	{{receiver "/hook" "cookieless"}}
	respond 404
}
{{end}}
`))

// startSelfCheck loads the Caddyfile, with the sites that events do not get through or without.
func startSelfCheck(t *testing.T, dir string, broken bool, relay string) {
	t.Helper()
	t.Setenv("SMARTCAR_TOKEN", newToken) // Caddy logs its config at DEBUG
	if _, err := devcert.Write(dir); err != nil {
		t.Fatal(err)
	}
	var ports []int
	for range 8 {
		ports = append(ports, freePort(t))
	}
	var text strings.Builder
	data := map[string]any{"Dir": dir, "Ports": ports, "Broken": broken, "Relay": relay}
	if err := selfCheckCaddyfile.Execute(&text, data); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(adapt(t, []byte(text.String())), true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// statusNow is what `caddy smartcar status` is told.
func statusNow(t *testing.T) api.Status {
	t.Helper()
	r, err := app.Active()
	if err != nil {
		t.Fatal(err)
	}
	return status.Make(time.Now(), r.Engine.Status(t.Context()), r.Traffic, r.DeadLetters, r.Limits, r.Receivers)
}

// awaitSelfChecks waits until each receiver has been asked, and returns the results by source.
func awaitSelfChecks(t *testing.T) map[string]api.SelfCheck {
	t.Helper()
	checks := make(map[string]api.SelfCheck)
	waitFor(t, "the self-check", 30*time.Second, func() bool {
		pending := false
		for _, s := range statusNow(t).Sources {
			if len(s.SelfChecks) != 1 {
				t.Fatalf("%s: %+v", s.Name, s.SelfChecks)
			}
			checks[s.Name] = s.SelfChecks[0]
			pending = pending || s.SelfChecks[0].State == string(selfcheck.Pending)
		}
		return !pending
	})
	return checks
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "self")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		keepsPersonalData(t, dir)
		os.RemoveAll(dir)
	})
	return dir
}

// A receiver that requests come to is reached, over TLS, behind a stripped path and at a unix socket; that leaves no
// trace in counts, logs and buffer.
func TestSelfCheckReaches(t *testing.T) {
	dir := shortDir(t)
	startSelfCheck(t, dir, false, "")
	for source, check := range awaitSelfChecks(t) {
		if check.State != string(selfcheck.Reached) || check.At.IsZero() {
			t.Errorf("%s: %+v", source, check)
		}
	}
	v := statusNow(t)
	if !v.Healthy || len(v.Sources) != 3 {
		t.Errorf("%+v", v)
	}
	for _, s := range v.Sources {
		if s.Stored+s.Verified+s.Duplicates != 0 || len(s.Refused) != 0 {
			t.Errorf("counted: %+v", s)
		}
	}
	waitFor(t, "its connections to be out of the counts", 10*time.Second, func() bool {
		return statusNow(t).Connections == (api.Connections{})
	})
	for _, name := range []string{"caddy.log", "access.log"} {
		log, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, trace := range []string{`"event":"webhook`, "http.handlers.smartcar", "handled request"} {
			if strings.Contains(string(log), trace) {
				t.Errorf("%s has %q:\n%s", name, trace, log)
			}
		}
	}
	if v.Buffer.Appended != 0 {
		t.Errorf("stored: %+v", v.Buffer)
	}
}

// What stands before a receiver, or in its place, is found and named, and status is not well.
func TestSelfCheckFindsWhatStandsBefore(t *testing.T) {
	dir := shortDir(t)
	socket := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "s"))
	}}}
	// The relay uses up the first nonce at the receiver of another source, and then uses it again.
	var once sync.Once
	statuses := make(chan int, 2)
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() {
			body, _ := io.ReadAll(r.Body)
			for range 2 {
				again := httptest.NewRequest(http.MethodPost, "http://localhost/hook", bytes.NewReader(body))
				again.RequestURI, again.Header = "", r.Header.Clone()
				response, err := socket.Do(again)
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
				statuses <- response.StatusCode
			}
		})
		w.WriteHeader(http.StatusNoContent)
	}))
	defer relay.Close()
	startSelfCheck(t, dir, true, relay.Listener.Addr().String())
	if err := os.Remove(filepath.Join(dir, "gone")); err != nil {
		t.Fatal(err)
	}
	checks := awaitSelfChecks(t)
	for source, want := range map[string]struct {
		state  selfcheck.State
		status int
		why    string
	}{
		"tls":      {selfcheck.Reached, 0, ""},
		"plain":    {selfcheck.Reached, 0, ""},
		"socket":   {selfcheck.Reached, 0, ""},
		"locked":   {selfcheck.Elsewhere, 401, "authentication before the receiver"},
		"small":    {selfcheck.Elsewhere, 413, "a limit of the body's size"},
		"shadowed": {selfcheck.Elsewhere, 200, "takes that for a delivery"},
		"proxied":  {selfcheck.Unchecked, 0, "proxy_protocol"},
		"gone":     {selfcheck.Silent, 0, "nothing listens at " + dir},
		"relayed":  {selfcheck.Elsewhere, 204, "takes that for a delivery"},
		// Its own receiver takes the question for an event, as that of another Caddy on its port would.
		"cookieless": {selfcheck.Elsewhere, 401, "that of another Caddy"},
	} {
		got := checks[source]
		if got.State != string(want.state) || got.Status != want.status || !strings.Contains(got.Why, want.why) {
			t.Errorf("%s: %+v, want %+v", source, got, want)
		}
	}
	v := statusNow(t)
	if v.Healthy || v.Receiving.Healthy || v.Receiving.State != api.StateUnreached || v.Receiving.Why == "" {
		t.Errorf("%+v", v.Receiving)
	}
	about := make(map[string]int)
	for _, a := range v.Attention {
		source, _, _ := strings.Cut(a.What, ":")
		about[source]++
		if a.Do == "" {
			t.Errorf("%+v", a)
		}
	}
	if fmt.Sprint(about) != "map[cookieless:1 gone:1 locked:1 relayed:1 shadowed:1 small:1]" {
		t.Errorf("attention: %v", about)
	}
	waitFor(t, "the relay", 10*time.Second, func() bool { return len(statuses) == 2 })
	if first, second := <-statuses, <-statuses; first != http.StatusOK || second != http.StatusUnauthorized {
		t.Errorf("a nonce that is used twice is answered %d, %d", first, second)
	}
	for _, s := range v.Sources {
		if s.Name == "socket" && s.Refused["signature_mismatch"] == 1 || s.Name == "cookieless" {
			s.Refused = nil
		}
		if len(s.Refused) != 0 {
			t.Errorf("counted: %+v", s)
		}
	}
}
