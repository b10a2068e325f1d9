package health

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestCaddyfile(t *testing.T) {
	for _, tt := range []struct{ text, kind, err string }{
		{"smartcar_health", "", ""},
		{"smartcar_health ready", "ready", ""},
		{"smartcar_health live", "live", ""},
		{"smartcar_health redy", "", `Did you mean "ready"?`},
		{"smartcar_health healthz", "", "takes ready or live, and a matcher before it"},
		{"smartcar_health ready live", "", "no more"},
		{"smartcar_health ready {\n\tinterval 1s\n}", "", "has no block"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			h := new(Health)
			err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser(tt.text))
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("%v, want %q", err, tt.err)
			}
			if err == nil && h.Kind != tt.kind {
				t.Errorf("kind %q, want %q", h.Kind, tt.kind)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusTeapot)
		return nil
	})
	for _, tt := range []struct {
		name, method      string
		kind              string
		notReady, notLive string
		status            int
		body              string
	}{
		{"ready", http.MethodGet, "ready", "", "", 200, `{"ready":true}` + "\n"},
		{"not ready", http.MethodGet, "ready", "full", "", 503, `{"ready":false,"why":"full"}` + "\n"},
		{"HEAD", http.MethodHead, "ready", "full", "", 503, `{"ready":false,"why":"full"}` + "\n"},
		{"live while it is not ready", http.MethodGet, "live", "full", "", 200, `{"live":true}` + "\n"},
		{"not live", http.MethodGet, "live", "", "stopping", 503, `{"live":false,"why":"stopping"}` + "\n"},
		{"a webhook", http.MethodPost, "ready", "", "", http.StatusTeapot, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &Health{
				Kind: tt.kind, notReady: func() string { return tt.notReady }, notLive: func() string { return tt.notLive },
			}
			w := httptest.NewRecorder()
			if err := h.ServeHTTP(w, httptest.NewRequest(tt.method, "/", nil), next); err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, tt.status, tt.body)
			}
		})
	}
}
