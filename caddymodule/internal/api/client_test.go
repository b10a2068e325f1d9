package api

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answering is a client of a server that answers as given.
func answering(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &Client{Address: server.Listener.Addr().String()}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"an answer", `{"error":"there is no handler \"x\""}` + "\n", 404, `there is no handler "x"`},
		{"no such module", "404 page not found\n", 404, "no Caddy admin endpoint with this module at 127.0.0.1:"},
		{"something else", "bad\ngateway", 502, "no Caddy admin endpoint with this module at 127.0.0.1:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})
			_, err := c.Call(http.MethodGet, "status", nil, nil, nil)
			refused, ok := errors.AsType[*Refusal](err)
			if !ok || refused.status != tt.status || !strings.Contains(err.Error(), tt.want) || IsNotFound(err) != (tt.status == 404) {
				t.Errorf("%+v, want status %d and %q", err, tt.status, tt.want)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	c := &Client{Address: "unix/" + filepath.Join(t.TempDir(), "x.sock")}
	_, err := c.Call(http.MethodGet, "status", nil, nil, nil)
	for _, want := range []string{c.Address, "no such file", "--address", "admin off"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// A socket's permissions stand in Caddy's config, behind its path.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.Host != "127.0.0.1" || r.Header.Get("Content-Type") != "application/json" {
				w.WriteHeader(http.StatusForbidden)
			}
			_, _ = w.Write([]byte("{}"))
		})}}
	server.Start()
	defer server.Close()
	c := &Client{Address: "unix/" + path + "|0600"}
	if raw, err := c.Call(http.MethodPost, "replays", nil, struct{}{}, nil); err != nil || string(raw) != "{}" {
		t.Errorf("%q, %v", raw, err)
	}
}

// What does not end, or does not come, is given up.
func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		name     string
		status   int
		timeout  time.Duration
		body     func(w http.ResponseWriter, r *http.Request)
		tooLarge bool
		want     string
	}{
		{"no answer", 0, 50 * time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			false, "within 50ms"},
		{"half an answer", 200, 50 * time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, false, "--timeout"},
		{"an endless answer", 200, 0, endless, true, "64 MiB"},
		{"an endless refusal", 500, 0, endless, true, "64 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := answering(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.status > 0 {
					w.WriteHeader(tt.status)
				}
				tt.body(w, r)
			})
			c.Timeout = tt.timeout
			_, err := c.Call(http.MethodGet, "status", nil, nil, nil)
			_, late := errors.AsType[*TimeoutError](err)
			_, large := errors.AsType[*TooLargeError](err)
			if large != tt.tooLarge || late == tt.tooLarge || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// Fetch answers with what is there, whatever it is.
func TestFetch(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"no such path"}`))
			return
		}
		_, _ = w.Write([]byte("up 1\n"))
	})
	if got, err := c.Fetch(t.Context(), "/metrics"); err != nil || string(got) != "up 1\n" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := c.Fetch(t.Context(), "/other"); err == nil || err.Error() != "no such path" || got != nil {
		t.Errorf("%q, %v", got, err)
	}
	hanging := answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	hanging.Timeout = 10 * time.Millisecond
	if _, err := hanging.Fetch(t.Context(), "/"); !errors.As(err, new(*TimeoutError)) {
		t.Errorf("%v", err)
	}
}
