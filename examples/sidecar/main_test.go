package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func TestWebhook(t *testing.T) {
	event := sdktest.VehicleState("e-1", "v-1")
	tests := []struct {
		name      string
		body      []byte
		signature string
		code      int
		printed   string
	}{
		{"an event", event.Payload, event.Signature, 200, "event e-1 VEHICLE_STATE vehicle=v-1 attempt=1\n"},
		{"the same again", event.Payload, event.Signature, 200, "again e-1 VEHICLE_STATE vehicle=v-1 attempt=1\n"},
		{"another body", []byte("{}"), event.Signature, 401, ""},
		{"no signature", event.Payload, "", 401, ""},
		{"not JSON", []byte("x"), sdktest.Event([]byte("x")).Signature, 400, ""},
	}
	var out bytes.Buffer
	app := newApp(sdktest.Token, &out)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out.Reset()
			r := httptest.NewRequest(http.MethodPost, "/webhooks/smartcar", bytes.NewReader(tt.body))
			r.Header.Set("SC-Signature", tt.signature)
			r.Header.Set("X-Smartcar-Attempt", "1")
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			if w.Code != tt.code || out.String() != tt.printed {
				t.Errorf("%d, %q", w.Code, out.String())
			}
		})
	}
}
