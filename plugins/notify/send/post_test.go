package send

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// secret stands in every URL, header and answer of these tests, and must stand in no error.
const secret = "T0SECRET8B9xyz"

// hook is a real server that answers a message as a test wants it.
func hook(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(answer)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return server, pool
}

func newWebhook(t *testing.T, url string, roots *x509.CertPool) *Webhook {
	t.Helper()
	w, err := NewWebhook(WebhookConfig{URL: url, Headers: map[string]string{"Authorization": "Bearer " + secret}})
	if err != nil {
		t.Fatal(err)
	}
	w.poster.roots = roots
	return w
}

var hello = Message{Title: "web-1: it is well", Text: "It is.\n", JSON: json.RawMessage(`{"a":1}`)}

func TestWebhookGetsTheJSON(t *testing.T) {
	var got, auth, kind string
	server, roots := hook(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, auth, kind = string(body), r.Header.Get("Authorization"), r.Header.Get("Content-Type")
	})
	if err := newWebhook(t, server.URL+"/"+secret, roots).Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	if got != `{"a":1}` || auth != "Bearer "+secret || kind != "application/json" {
		t.Errorf("%q %q %q", got, auth, kind)
	}
}

// Whatever goes wrong is told, and none of it holds the secret, which stands in the path, the header and the answer.
func TestPostFailures(t *testing.T) {
	other, _ := hook(t, func(http.ResponseWriter, *http.Request) { t.Error("the message came to another host") })
	tests := map[string]struct {
		answer http.HandlerFunc
		reason Reason
		code   int
		words  string
	}{
		"refused": {func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "Cannot POST "+r.URL.Path+" "+r.Header.Get("Authorization"), http.StatusNotFound)
		}, Refused, 404, "it answered 404"},
		"to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}, Redirected, 307, "not followed"},
		"without TLS": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+r.URL.Path, http.StatusPermanentRedirect)
		}, Redirected, 308, "not followed"},
		"without its body": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusFound)
		}, Redirected, 302, "not followed"},
		"round and round": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, Redirected, 307, "not followed"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		}, Unreachable, 0, "closed before the answer"},
		"something that is no HTTP": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, secret+" is what you sent\r\n\r\n")
				conn.Close()
			}
		}, Unreachable, 0, "the conversation broke"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server, roots := hook(t, tt.answer)
			err := newWebhook(t, server.URL+"/hook/"+secret, roots).Send(t.Context(), hello)
			failure, ok := errors.AsType[*Error](err)
			if !ok || failure.Reason != tt.reason || failure.Code != tt.code || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// A redirect that stays where it was is followed, with the body.
func TestRedirectWithinTheHost(t *testing.T) {
	var got string
	server, roots := hook(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusPermanentRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		got = r.URL.Path + " " + string(body)
	})
	if err := newWebhook(t, server.URL+"/old", roots).Send(t.Context(), hello); err != nil || got != `/new {"a":1}` {
		t.Errorf("%q, %v", got, err)
	}
}

// A certificate that cannot be verified, a host that is not there, and one that does not speak TLS get nothing.
func TestPostTrustsNobodyElse(t *testing.T) {
	var came atomic.Int64
	server, _ := hook(t, func(http.ResponseWriter, *http.Request) { came.Add(1) })
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came.Add(1) }))
	defer plain.Close()
	for url, want := range map[string]Reason{
		server.URL: Untrusted,
		strings.Replace(plain.URL, "http:", "https:", 1): Untrusted,
		"https://127.0.0.1:1":                            Unreachable,
		"https://nowhere.invalid":                        Unreachable,
	} {
		err := newWebhook(t, url+"/"+secret, nil).Send(t.Context(), hello)
		failure, ok := errors.AsType[*Error](err)
		if !ok || failure.Reason != want || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
	if came.Load() > 0 {
		t.Error("the message came to a server that cannot be trusted")
	}
}

// An answer without an end costs neither memory nor time.
func TestPostBoundsTheAnswer(t *testing.T) {
	ended := make(chan struct{})
	server, roots := hook(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	if err := newWebhook(t, server.URL, roots).Send(t.Context(), hello); err != nil {
		t.Error(err)
	}
	<-ended

	hangs, roots := hook(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	w := newWebhook(t, hangs.URL, roots)
	w.poster.timeout = 50 * time.Millisecond
	if err := w.Send(context.Background(), hello); err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("%v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "-1": 0, "soon": 0, "99999999": time.Hour,
		"Sun, 01 Mar 2026 12:01:00 GMT": time.Minute, "Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
	server, roots := hook(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	err := newWebhook(t, server.URL, roots).Send(t.Context(), hello)
	if failure, ok := errors.AsType[*Error](err); !ok || failure.RetryAfter != 7*time.Second {
		t.Errorf("%v", err)
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	tests := map[string]struct {
		config WebhookConfig
		words  string
	}{
		"none":           {WebhookConfig{}, "no https URL"},
		"no URL":         {WebhookConfig{URL: "https://x/%zz" + secret}, "no URL"},
		"another scheme": {WebhookConfig{URL: "ftp://example.com/" + secret}, "no https URL"},
		"a password":     {WebhookConfig{URL: "https://me:" + secret + "@example.com/"}, "Authorization"},
		"http":           {WebhookConfig{URL: "http://example.com/" + secret}, "insecure"},
		"a header that is none": {
			WebhookConfig{URL: "https://example.com", Headers: map[string]string{"a b": secret}}, "letters",
		},
		"a header with a line break": {
			WebhookConfig{URL: "https://example.com", Headers: map[string]string{"Authorization": secret + "\n"}}, "line break",
		},
		"a header of the request": {
			WebhookConfig{URL: "https://example.com", Headers: map[string]string{"content-length": secret}}, "leave it out",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewWebhook(tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), secret) {
				t.Errorf("%v", err)
			}
		})
	}
	for _, c := range []WebhookConfig{
		{URL: "https://example.com/hook"}, {URL: "http://127.0.0.1:9/x"}, {URL: "http://[::1]/x"}, {URL: "http://localhost/x"},
		{URL: "http://alerts.internal/x", Insecure: true},
	} {
		if _, err := NewWebhook(c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
