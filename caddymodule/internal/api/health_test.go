package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealthAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		write  func(http.ResponseWriter, string)
		why    string
		status int
		body   string
	}{
		{"ready", WriteReady, "", 200, `{"ready":true}`},
		{"not ready", WriteReady, StateFull, 503, `{"ready":false,"why":"full"}`},
		{"live", WriteLive, "", 200, `{"live":true}`},
		{"not live", WriteLive, StateStopping, 503, `{"live":false,"why":"stopping"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tt.write(w, tt.why)
			if w.Code != tt.status || w.Body.String() != tt.body+"\n" {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, tt.status, tt.body)
			}
			if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" {
				t.Errorf("header %v", h)
			}
		})
	}
}
