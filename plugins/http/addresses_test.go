package http

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func TestPathsByEventType(t *testing.T) {
	var got string
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.RequestURI })
	host := sdktest.Start(t, Plugin(), sdktest.Config{"url": s.URL + "/hook?key=1", "paths": sdktest.Config{
		"VEHICLE_ERROR": "/errors", "VEHICLE_STATE": "/states?kind=state", "TRIP_ENDED": "/trips/a%2Fb",
	}})
	if w := host.Warnings(); len(w) != 1 || !strings.Contains(w[0].Detail, `no events of type "TRIP_ENDED"`) {
		t.Errorf("%v", w)
	}
	for eventType, want := range map[string]string{
		"VEHICLE_ERROR": "/errors", "VEHICLE_STATE": "/states?kind=state", "TRIP_ENDED": "/trips/a%2Fb",
		"SOMETHING_NEW": "/hook?key=1", "": "/hook?key=1",
	} {
		if r := host.Handle(t.Context(), &sdk.Event{ID: "e", Type: eventType, Payload: []byte("{}")})[0]; r.Status != sdk.StatusDone {
			t.Fatalf("%+v", r)
		}
		if got != want {
			t.Errorf("%s went to %s, not %s", eventType, got, want)
		}
	}
}

func TestPathMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		eventType, path string
		want            string
		isWarning       bool
	}{
		"a misspelt type":  {"VEHICLE_EROR", "/x", `Did you mean "VEHICLE_ERROR"?`, true},
		"small letters":    {"vehicle_state", "/x", `Did you mean "VEHICLE_STATE"?`, true},
		"another type":     {"TRIP", "/x", "if they ever come", true},
		"a type with dots": {"A.B", "/x", "if they ever come", true},
		"a challenge":      {"VERIFY", "/x", "never delivered", true},
		"another host":     {"VEHICLE_ERROR", "//hunter2/x", "paths.VEHICLE_ERROR: Not a path", false},
		"a whole url":      {"VEHICLE_ERROR", "http://hunter2/x", "paths.VEHICLE_ERROR: Not a path", false},
		"relative":         {"VEHICLE_ERROR", "hunter2", "paths.VEHICLE_ERROR: Not a path", false},
		"nothing":          {"VEHICLE_ERROR", "", "paths.VEHICLE_ERROR: Not a path", false},
		"a fragment":       {"VEHICLE_ERROR", "/x#hunter2", "paths.VEHICLE_ERROR: Not a path", false},
		"a bad escape":     {"VEHICLE_ERROR", "/%zz-hunter2", "paths.VEHICLE_ERROR: Not a path", false},
		"a line break":     {"VEHICLE_ERROR", "/hunter2\n", "paths.VEHICLE_ERROR: Not a path", false},
	} {
		t.Run(name, func(t *testing.T) {
			host, err := sdktest.Open(t, Plugin(), sdktest.Config{
				"url": "http://127.0.0.1/", "paths": sdktest.Config{tt.eventType: tt.path},
			})
			if !tt.isWarning {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v, want %s", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if w := host.Warnings(); len(w) != 1 || !strings.Contains(w[0].Detail, tt.want) || w[0].Path[0] != "paths" {
				t.Errorf("%v, want %s", w, tt.want)
			}
		})
	}
}

// Whoever looks for handlers that post to their own receiver needs each address.
func TestTargets(t *testing.T) {
	for name, tt := range map[string]struct {
		config string
		want   []Target
	}{
		"a url":  {`{"url":"https://app/x","unix_socket":null,"paths":null}`, []Target{{URL: "https://app/x"}}},
		"paths":  {`{"url":"https://app/x?a","paths":{"B":"/b","A":"/a","C":"wrong"}}`, []Target{{URL: "https://app/x?a"}, {URL: "https://app/a"}, {URL: "https://app/b"}}},
		"socket": {`{"url":"http://app/x","unix_socket":"/run/s","paths":{"A":"/a"}}`, []Target{{"http://app/x", "/run/s"}, {"http://app/a", "/run/s"}}},
		"none":   {`{}`, nil},
		"broken": {`[]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Targets([]byte(tt.config))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
