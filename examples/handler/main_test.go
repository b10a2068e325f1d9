package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// charged makes an event of a vehicle whose battery has this many percent.
func charged(value string) *sdk.Event { return measured(value, `,"unit":"percent"`) }

// measured makes an event of a vehicle whose battery has this value, with this in addition.
func measured(value, more string) *sdk.Event {
	body := `{"eventId":"e-1","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"v-1"},"signals":[` +
		`{"code":"tractionbattery-stateofcharge","body":{"value":` + value + more + `},"status":{"value":"SUCCESS"}}]},"meta":{"version":"4.0"}}`
	return sdktest.Event([]byte(body))
}

// stale makes an event whose reading the handler has had before.
func stale(e *sdk.Event) *sdk.Event {
	e.StaleSignals = []string{"tractionbattery-stateofcharge"}
	return e
}

func replayed(e *sdk.Event) *sdk.Event {
	e.Replay = true
	return e
}

func TestLowBattery(t *testing.T) {
	done := sdk.Result{Status: sdk.StatusDone}
	tests := map[string]struct {
		event   *sdk.Event
		answer  int
		want    sdk.Result
		notices int
	}{
		"low":       {charged("19.5"), 200, done, 1},
		"not low":   {charged("20"), 200, done, 0},
		"no number": {charged(`"many"`), 200, done, 0},

		"a low fraction":    {measured("0.19", ""), 200, done, 1},
		"a fraction":        {measured("0.73", ""), 200, done, 0},
		"full, a fraction":  {measured("1", ""), 200, done, 0},
		"low, without unit": {measured("19", ""), 200, done, 1},
		"almost empty":      {charged("0.73"), 200, done, 1},
		"an unknown unit":   {measured("1", `,"unit":"kWh"`), 200, done, 0},

		"old reading":   {stale(charged("19.5")), 200, done, 0},
		"a replay":      {replayed(charged("19.5")), 200, done, 0},
		"another event": {sdktest.VehicleError("e-1", "v-1"), 200, done, 0},
		"busy":          {charged("1"), 429, sdk.Result{Status: sdk.StatusRetry, RetryAfter: time.Minute, Error: "too many notices"}, 1},
		"broken":        {charged("1"), 500, sdk.Result{Status: sdk.StatusRetry, Error: "the notice was answered with 500"}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var notices []notice
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var n notice
				if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
					t.Error(err)
				}
				notices = append(notices, n)
				w.WriteHeader(tt.answer)
			}))
			defer server.Close()
			host := sdktest.Start(t, plugin(), sdktest.Config{"notify": sdktest.Config{"url": server.URL}})
			if diff := cmp.Diff(tt.want, host.Handle(t.Context(), tt.event)[0]); diff != "" {
				t.Error(diff)
			}
			if len(notices) != tt.notices {
				t.Fatalf("notices %v", notices)
			}
			if tt.notices > 0 && (notices[0].EventID != "e-1" || notices[0].VehicleID != "v-1") {
				t.Errorf("notice %+v", notices[0])
			}
		})
	}
}

func TestUnreadableEventsAreRejected(t *testing.T) {
	host := sdktest.Start(t, plugin(), nil)
	e := sdktest.Event([]byte("not JSON"))
	if r := host.Handle(t.Context(), e)[0]; r.Status != sdk.StatusReject || r.Reason != "unreadable" {
		t.Errorf("%+v", r)
	}
}

func TestNobodyTakesTheNotice(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	host := sdktest.Start(t, plugin(), sdktest.Config{"notify": sdktest.Config{"url": gone.URL}})
	r := host.Handle(t.Context(), charged("1"))[0]
	if r.Status != sdk.StatusUnavailable || strings.Contains(r.Error, "127.0.0.1") {
		t.Errorf("%+v", r)
	}
}

func TestConfigIsChecked(t *testing.T) {
	_, err := sdktest.Open(t, plugin(), sdktest.Config{"below": 120})
	if err == nil || !strings.Contains(err.Error(), "below: Not a percentage") {
		t.Error(err)
	}
}
