package selfcheck

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What answers is told: the receiver itself, what stands before it, or nothing.
func TestAsk(t *testing.T) {
	nonces, config := new(Nonces), new(int)
	refuses := func(code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":%q,"message":"no"}`+"\n", code)
		}
	}
	receiver := func(source string, config any, refused string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			proof, ok := nonces.Take(r.Header, Receiver{Source: source, Config: config})
			if !ok {
				refuses("signature_mismatch")(w, r)
				return
			}
			Reply(w, r, proof, refused)
		}
	}
	own := receiver("a", config, "")
	before := func(change func(*http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			change(r)
			own(w, r)
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		tls     bool
		doubt   string
		state   State
		status  int
		why     string
	}{
		"receiver":                    {handler: own, state: Reached},
		"receiver, TLS":               {handler: own, tls: true, state: Reached},
		"receiver, though in doubt":   {handler: own, doubt: "x", state: Reached},
		"the config before":           {handler: receiver("a", new(int), ""), state: Pending},
		"another receiver":            {handler: receiver("b", config, ""), state: Elsewhere, why: "source b"},
		"receiver that refuses":       {handler: receiver("a", config, "body_too_large"), state: Refused, why: "body of 8 KiB"},
		"header removed":              {handler: before(func(r *http.Request) { r.Header.Del("SC-Signature") }), state: Refused, why: "SC-Signature"},
		"body changed":                {handler: before(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) }), state: Refused, why: "changes the body"},
		"small body":                  {handler: before(func(r *http.Request) { r.Body = http.MaxBytesReader(nil, r.Body, 1<<10) }), state: Refused, why: "body_not_received"},
		"authentication":              {handler: status(401), state: Elsewhere, status: 401, why: "authentication"},
		"another Caddy":               {handler: refuses("signature_mismatch"), state: Elsewhere, status: 401, why: "another Caddy at 127.0.0.1"},
		"another Caddy, in doubt":     {handler: refuses("signature_mismatch"), doubt: "who asks", state: Unchecked, status: 401, why: "who asks (a receiver answers"},
		"authentication with JSON":    {handler: refuses("no_password"), state: Elsewhere, status: 401, why: "authentication"},
		"no nonce":                    {handler: before(func(r *http.Request) { r.Header.Del("Cookie") }), state: Elsewhere, status: 401, why: "without the header Cookie"},
		"a limit":                     {handler: status(413), state: Elsewhere, status: 413, why: "size"},
		"redirect":                    {handler: status(308), state: Elsewhere, status: 308, why: "redirect"},
		"respond":                     {handler: status(200), state: Elsewhere, status: 200, why: "takes that for a delivery"},
		"fallback":                    {handler: status(404), state: Elsewhere, status: 404, why: "no route"},
		"anything":                    {handler: status(503), state: Elsewhere, status: 503, why: "something else"},
		"anything, in doubt":          {handler: status(403), doubt: "who asks", state: Unchecked, status: 403, why: "who asks (something else"},
		"a receiver of another maker": {handler: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"proof":""}`) }, state: Elsewhere, status: 200, why: "delivery"},
		"an echo": {handler: func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"proof":%q}`, strings.TrimPrefix(r.Header.Get("Cookie"), cookieName))
		}, state: Elsewhere, status: 200, why: "delivery"},
		"the proof got lost": {handler: func(w http.ResponseWriter, r *http.Request) {
			nonces.Take(r.Header, Receiver{Source: "a", Config: config})
			fmt.Fprint(w, "sorry")
		}, state: Elsewhere, status: 200, why: "delivery"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(tt.handler)
			if tt.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			address := server.Listener.Addr().String()
			var made net.Addr
			a := &asker{nonces: nonces, config: config, own: func(at net.Addr) { made = at }}
			r := a.ask(t.Context(), Target{Source: "a", Network: "tcp", Address: address, TLS: tt.tls, Host: "hooks.example", Path: "/x", Doubt: tt.doubt})
			if r.State != tt.state || r.Status != tt.status || !strings.Contains(r.Why, tt.why) || r.At.IsZero() {
				t.Errorf("%+v", r)
			}
			if r.State.Fails() == (r.Do == "") {
				t.Errorf("do: %q", r.Do)
			}
			if made == nil || len(nonces.open) != 0 {
				t.Errorf("made %v, open %d", made, len(nonces.open))
			}
		})
	}
}

func TestAskOfNobody(t *testing.T) {
	a := &asker{nonces: new(Nonces), own: func(net.Addr) {}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	closing := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer closing.Close()
	named := httptest.NewUnstartedServer(http.NotFoundHandler())
	named.Config.ErrorLog = log.New(io.Discard, "", 0)
	named.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return nil, errors.New("no certificate")
	}}
	named.StartTLS()
	defer named.Close()
	for name, tt := range map[string]struct {
		host   string // "": localhost
		target Target
		state  State
		why    string
	}{
		"nothing listens":           {"", Target{Network: "tcp", Address: listener.Addr().String(), Doubt: "x"}, Silent, "nothing listens at 127.0.0.1"},
		"cut off":                   {"", Target{Network: "tcp", Address: closing.Listener.Addr().String()}, Unchecked, "proxy_protocol"},
		"no socket":                 {"", Target{Network: "unix", Address: filepath.Join(t.TempDir(), "s")}, Silent, "nothing listens at"},
		"no TLS":                    {"", Target{Network: "tcp", Address: plain.Listener.Addr().String(), TLS: true}, Silent, "no answer from"},
		"cannot be told":            {"", Target{Unchecked: "a path with a pattern"}, Unchecked, "a path with a pattern"},
		"no TLS with what is asked": {"", Target{Network: "tcp", Address: plain.Listener.Addr().String(), TLS: true, Doubt: "a certificate"}, Unchecked, "a certificate"},
		"no certificate":            {"", Target{Network: "tcp", Address: named.Listener.Addr().String(), TLS: true}, Silent, `no TLS with the name "localhost"`},
		"none without a name":       {"127.0.0.1:8443", Target{Network: "tcp", Address: named.Listener.Addr().String(), TLS: true}, Unchecked, "no name to ask for"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.target.Host, tt.target.Path = cmp.Or(tt.host, "localhost"), "/"
			if r := a.ask(t.Context(), tt.target); r.State != tt.state || !strings.Contains(r.Why, tt.why) {
				t.Errorf("%+v", r)
			}
		})
	}
}
