package integration

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// behindApp is an application behind Caddy that keeps what it was asked.
type behindApp struct {
	*httptest.Server

	mu     sync.Mutex
	status int
	got    []received
	came   chan struct{}
}

type received struct {
	header  http.Header
	length  int64
	chunked bool
	body    string
}

func startBehindApp(t *testing.T) *behindApp {
	t.Helper()
	a := &behindApp{status: http.StatusOK, came: make(chan struct{}, 64)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a.mu.Lock()
		a.got = append(a.got, received{r.Header, r.ContentLength, len(r.TransferEncoding) > 0, string(body)})
		status := a.status
		a.mu.Unlock()
		w.Header().Set("X-App", "mine")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "said by the application")
		a.came <- struct{}{}
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *behindApp) addr() string { return strings.TrimPrefix(a.URL, "http://") }

func (a *behindApp) answer(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = status
}

// taken returns what has come since it was last called.
func (a *behindApp) taken() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := a.got
	a.got = nil
	return got
}

// sidecar is a whole Caddy in this process that listens with TLS.
type sidecar struct {
	url, dir string
	client   *http.Client
}

// startSidecar runs a Caddyfile of the page with these applications in the place of those that it names, and its
// handlers file.
func startSidecar(t *testing.T, caddyfile, hcl string, applications ...string) *sidecar {
	t.Helper()
	dir, err := os.MkdirTemp("", "sc-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	cert, err := devcert.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SMARTCAR_TOKEN", newToken)
	t.Setenv("SMARTCAR_BILLING_TOKEN", oldToken)
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	at := fmt.Sprintf("https://localhost:%d", freePort(t))
	global := "{\n\tadmin off\n\tpersist_config off\n\tauto_https disable_redirects\n\tgrace_period 1s\n\tstorage file_system " + dir +
		"/caddy\n\tlog {\n\t\toutput file " + dir + "/caddy.log {\n\t\t\troll_disabled\n\t\t}\n\t}\n"
	if rest, ok := strings.CutPrefix(caddyfile, "{\n"); ok {
		caddyfile = global + rest
	} else {
		caddyfile = global + "}\n" + caddyfile
	}
	places := []string{
		"hooks.example.com {\n", at + " {\n\ttls " + cert.Cert + " " + cert.Key + "\n",
		"/var/lib/smartcar", dir + "/buffer", "handlers handlers.hcl", "handlers " + dir + "/handlers.hcl",
	}
	for i, addr := range applications {
		places = append(places, fmt.Sprintf("127.0.0.1:%d", 3000+i), addr)
	}
	adjust := strings.NewReplacer(places...)
	if err := os.WriteFile(filepath.Join(dir, "handlers.hcl"), []byte(adjust.Replace(hcl)), 0o600); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: cert.Client(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	s := &sidecar{url: at, dir: dir, client: &http.Client{Transport: transport, Timeout: 20 * time.Second}}
	if err := caddy.Load(adapt(t, []byte(adjust.Replace(caddyfile))), true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
		keepsPersonalData(t, dir)
		os.RemoveAll(dir)
	})
	return s
}

func (s *sidecar) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// reply is an answer that was read.
type reply struct {
	StatusCode int
	Header     http.Header
}

// send sends a body that is signed with a token, "" for none, and returns the status and the body of the answer.
func (s *sidecar) send(t *testing.T, path, body, token string, change ...func(*http.Request)) (reply, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set(smartcar.SignatureHeader, smartcar.Sign(token, []byte(body)))
	}
	for _, f := range change {
		f(r)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header}, string(text)
}

// page is docs/sidecar.md: its Caddyfiles and handlers files, in their order.
func page(t *testing.T) (caddyfiles, hcl []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/sidecar.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range caddyfileBlock.FindAllSubmatch(text, -1) {
		caddyfiles = append(caddyfiles, string(m[1]))
	}
	for _, m := range hclBlock.FindAllSubmatch(text, -1) {
		hcl = append(hcl, string(m[1]))
	}
	if len(caddyfiles) != 4 || len(hcl) != 2 {
		t.Fatalf("the page has %d Caddyfiles and %d handlers files; the tests know which is which of 4 and 2", len(caddyfiles), len(hcl))
	}
	return caddyfiles, hcl
}

var hclBlock = regexp.MustCompile("(?ms)^```hcl\n(.*?)^```$")

func sampleEvent(id string) string {
	return string(smartcar.Sample{EventID: id, Mode: smartcar.ModeLive}.VehicleState())
}

// Each webhook gets to its own application, whose token opens nothing else, also while the other one is down.
func TestApplicationsByPath(t *testing.T) {
	caddyfiles, hcl := page(t)
	fleet, billing := startBehindApp(t), startBehindApp(t)
	s := startSidecar(t, caddyfiles[1], hcl[0], fleet.addr(), billing.addr())
	fleet.Close()
	for _, tt := range []struct {
		path, token string
		status      int
	}{
		{"/fleet", newToken, 200}, {"/billing", oldToken, 200}, {"/billing", newToken, 401}, {"/fleet", oldToken, 401},
		{"/billing/", oldToken, 404},
	} {
		if resp, said := s.send(t, tt.path, sampleEvent("event-of"+tt.path), tt.token); resp.StatusCode != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.path, resp.StatusCode, said, tt.status)
		}
	}
	<-billing.came
	got := billing.taken()
	if len(got) != 1 || got[0].body != sampleEvent("event-of/billing") || got[0].header.Get("X-Smartcar-Source") != "billing" {
		t.Errorf("billing got %+v", got)
	}
}

// Of one webhook each application gets what it wants.
func TestApplicationsByContent(t *testing.T) {
	caddyfiles, hcl := page(t)
	everything, errors := startBehindApp(t), startBehindApp(t)
	s := startSidecar(t, caddyfiles[2], hcl[1], everything.addr(), errors.addr())
	failure := string(smartcar.Sample{EventID: "an-error"}.VehicleError())
	for _, body := range []string{sampleEvent("a-state"), failure} {
		if resp, said := s.send(t, "/webhooks/smartcar", body, newToken); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.StatusCode, said)
		}
	}
	<-errors.came
	<-everything.came
	<-everything.came
	if got := errors.taken(); len(got) != 1 || got[0].body != failure {
		t.Errorf("errors got %+v", got)
	}
	if got := everything.taken(); len(got) != 2 {
		t.Errorf("everything got %+v", got)
	}
}

// The same, where each application answers itself.
func TestApplicationsBehindVerifiers(t *testing.T) {
	caddyfiles, _ := page(t)
	fleet, billing := startBehindApp(t), startBehindApp(t)
	s := startSidecar(t, caddyfiles[3], "", fleet.addr(), billing.addr())
	billing.answer(http.StatusInternalServerError)
	for _, tt := range []struct {
		path, token string
		status      int
	}{
		{"/fleet", newToken, 200}, {"/billing", oldToken, 500}, {"/billing", newToken, 401}, {"/fleet", oldToken, 401},
	} {
		if resp, said := s.send(t, tt.path, sampleEvent("event-of"+tt.path), tt.token); resp.StatusCode != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.path, resp.StatusCode, said, tt.status)
		}
	}
	for app, source := range map[*behindApp]string{fleet: "fleet", billing: "billing"} {
		if got := app.taken(); len(got) != 1 || got[0].header.Get("X-Smartcar-Source") != source {
			t.Errorf("%s got %+v", source, got)
		}
	}
}

// ownHeaders are those that only Caddy may set, of what came.
func ownHeaders(h http.Header) map[string]string {
	own := maps.Collect(func(yield func(string, string) bool) {
		for name, values := range h {
			if strings.Contains(strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(name)), "smartcar") {
				if !yield(name, strings.Join(values, ",")) {
					return
				}
			}
		}
	})
	return own
}

// tampered changes a byte of a body after it was signed.
func tampered(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	body = bytes.Replace(body, []byte("LIVE"), []byte("TEST"), 1)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}
