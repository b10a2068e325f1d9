package notify

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// secret stands in URLs, headers and passwords, and must stand nowhere else.
const secret = "T0SECRET8B9xyz"

// lent is the certificate of the tests' servers, which TestMain has the system believe.
var lent tls.Certificate

// mailbox is a real mail server with TLS and a login.
type mailbox struct {
	// refuse answers a step with an error: from, to or data.
	refuse map[string]*gosmtp.SMTPError
	mu     sync.Mutex
	mails  []string
}

func (b *mailbox) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return &mailSession{box: b}, nil }

type mailSession struct {
	box  *mailbox
	auth bool
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "alerts" || password != secret {
			return gosmtp.ErrAuthFailed
		}
		s.auth = true
		return nil
	}), nil
}

func (s *mailSession) Mail(string, *gosmtp.MailOptions) error {
	if !s.auth {
		return gosmtp.ErrAuthRequired
	}
	return s.refused("from")
}

func (s *mailSession) Rcpt(string, *gosmtp.RcptOptions) error { return s.refused("to") }

func (s *mailSession) refused(step string) error {
	if err := s.box.refuse[step]; err != nil {
		return err
	}
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.refused("data"); err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, string(body))
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// startMail starts a mail server with TLS, and returns it with its URL.
func startMail(t *testing.T, refuse map[string]*gosmtp.SMTPError) (*mailbox, string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is for systems that keep authorities in files")
	}
	box := &mailbox{refuse: refuse}
	server := gosmtp.NewServer(box)
	server.Domain, server.ErrorLog = "mail.test", quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "smtps://" + l.Addr().String()
	l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{lent}})
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != nil && !errors.Is(err, gosmtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	return box, url
}

func mailConfig(t *testing.T, url, password string) sdktest.Config {
	return sdktest.Config{"state": filepath.Join(t.TempDir(), "notify.db"), "smtp": []sdktest.Config{{
		"server": url, "username": "alerts", "password": password, "from": "alerts@example.com", "to": []any{"ops@example.com"},
	}}}
}

// A mail goes over TLS to a server that wants a login.
func TestMail(t *testing.T) {
	box, url := startMail(t, nil)
	host := sdktest.Start(t, Plugin(), mailConfig(t, url, secret))
	if r := host.Handle(t.Context(), sdktest.VehicleError("1", "car")); r[0].Status != sdk.StatusDone {
		t.Fatal(r[0])
	}
	if len(box.mails) != 1 || !strings.Contains(box.mails[0], "vehicle car") || strings.Contains(box.mails[0], secret) {
		t.Errorf("%q", box.mails)
	}
}

// What a mail server says decides about the event. Only its no to the mail itself is final: an address or a password
// that is wrong is for an operator to mend, and no notice may be lost until then.
func TestMailOutcomes(t *testing.T) {
	answer := func(step string, code int) map[string]*gosmtp.SMTPError {
		return map[string]*gosmtp.SMTPError{step: {Code: code, Message: secret}}
	}
	const addresses = "check the addresses in this handler's config"
	tests := map[string]struct {
		refuse   map[string]*gosmtp.SMTPError
		password string
		want     sdk.Status
		says     string
	}{
		"the mail itself":            {answer("data", 554), secret, sdk.StatusReject, "554 to the mail itself"},
		"the mail, for now":          {answer("data", 451), secret, sdk.StatusUnavailable, "451 to the mail itself"},
		"the mail, in other numbers": {answer("data", 521), secret, sdk.StatusUnavailable, "521"},
		"a sender that is not let":   {answer("from", 554), secret, sdk.StatusUnavailable, addresses},
		"a recipient that is none":   {answer("to", 550), secret, sdk.StatusUnavailable, addresses},
		"a mailbox that is full":     {answer("to", 452), secret, sdk.StatusUnavailable, "452 to a recipient"},
		"a wrong password":           {nil, "wrong-" + secret, sdk.StatusUnavailable, "refuses the username or the password"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, url := startMail(t, test.refuse)
			host := sdktest.Start(t, Plugin(), mailConfig(t, url, test.password))
			r := host.Handle(t.Context(), sdktest.VehicleError("1", "car"))[0]
			if r.Status != test.want || !strings.Contains(r.Error, test.says) || strings.Contains(r.Error, secret) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A server that turns this machine away in its greeting does so with every mail.
func TestMailServerThatGreetsWithANo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "554 "+secret+"\r\n")
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	host := sdktest.Start(t, Plugin(), sdktest.Config{"state": filepath.Join(t.TempDir(), "notify.db"), "smtp": []sdktest.Config{{
		"server": "smtp://" + l.Addr().String(), "from": "alerts@example.com", "to": []any{"ops@example.com"},
	}}})
	r := host.Handle(t.Context(), sdktest.VehicleError("1", "car"))[0]
	if r.Status != sdk.StatusUnavailable || !strings.Contains(r.Error, "it answered 554 at the beginning") || strings.Contains(r.Error, secret) {
		t.Errorf("%+v", r)
	}
}

// What a webhook answers decides about the event, and nothing of the answer, of the URL or of a header is told.
func TestWebhookOutcomes(t *testing.T) {
	tests := map[int]sdk.Status{
		200: sdk.StatusDone, 204: sdk.StatusDone,
		400: sdk.StatusReject, 413: sdk.StatusReject, 415: sdk.StatusReject, 422: sdk.StatusReject,
		301: sdk.StatusUnavailable, 401: sdk.StatusUnavailable, 403: sdk.StatusUnavailable, 404: sdk.StatusUnavailable,
		410: sdk.StatusUnavailable, 429: sdk.StatusUnavailable, 500: sdk.StatusUnavailable, 503: sdk.StatusUnavailable,
	}
	for status, want := range tests {
		t.Run(http.StatusText(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+secret {
					t.Error("the header is missing")
				}
				w.WriteHeader(status)
				_, _ = io.WriteString(w, secret)
			}))
			defer server.Close()
			host := sdktest.Start(t, Plugin(), sdktest.Config{
				"state": filepath.Join(t.TempDir(), "notify.db"),
				"webhook": []sdktest.Config{{
					"url": server.URL + "/" + secret, "headers": map[string]any{"Authorization": "Bearer " + secret},
				}},
			})
			r := host.Handle(t.Context(), sdktest.VehicleError("1", "car"))[0]
			if r.Status != want || strings.Contains(r.Error, secret) {
				t.Errorf("%+v", r)
			}
			isConfig := status == 401 || status == 403 || status == 404
			if isConfig && !strings.Contains(r.Error, "check its URL and headers in this handler's config") {
				t.Errorf("it does not say what to do: %s", r.Error)
			}
		})
	}
}

// A target that gives no answer does not hold the call longer than it has time, so no attempt is counted.
func TestTargetThatHangs(t *testing.T) {
	ends := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ends }))
	defer server.Close()
	defer close(ends)
	host := sdktest.Start(t, Plugin(), sdktest.Config{
		"state":   filepath.Join(t.TempDir(), "notify.db"),
		"webhook": []sdktest.Config{{"url": server.URL}},
	})
	ctx, cancel := contextWithin(t, time.Second)
	defer cancel()
	if r := host.Handle(ctx, sdktest.VehicleError("1", "car"))[0]; r.Status != sdk.StatusUnavailable {
		t.Errorf("%+v", r)
	}
}

// Slack's own form, with what it would read as a call to all taken out.
func TestSlackGetsText(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
	}))
	defer server.Close()
	host := sdktest.Start(t, Plugin(), sdktest.Config{
		"state": filepath.Join(t.TempDir(), "notify.db"), "slack": []sdktest.Config{{"url": server.URL}},
		"title": "<!channel> {{ .Code }}",
	})
	if r := host.Handle(t.Context(), sdktest.VehicleError("1", "car")); r[0].Status != sdk.StatusDone {
		t.Fatal(r[0])
	}
	if !strings.HasPrefix(got, `{"text":`) || !strings.Contains(got, `\u0026lt;!channel\u0026gt; AUTHENTICATION_FAILED`) {
		t.Error(got)
	}
}
