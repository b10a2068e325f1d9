package integration

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// vehiclePage is what the admin API says of vehicles.
type vehiclePage struct {
	Items []struct {
		ID              string    `json:"id"`
		LastEventAt     time.Time `json:"last_event_at"`
		NewestReadingAt time.Time `json:"newest_reading_at"`
		OpenErrors      []struct{ Type, Code, Resolution string }
	} `json:"items"`
}

// postError has a vehicle tell an error.
func (s *site) postError(t *testing.T, vehicle, state string) {
	t.Helper()
	body := fmt.Appendf(nil, `{"eventId":%q,"eventType":"VEHICLE_ERROR","data":{"vehicle":{"id":%q},"errors":[{"type":"VEHICLE_STATE",`+
		`"code":"UNREACHABLE","state":%q,"description":"Anna's car","resolution":{"type":"RETRY_LATER"}}]}}`,
		uuid.NewString(), vehicle, state)
	s.mustPost(t, body)
}

func (s *site) mustPost(t *testing.T, body []byte) {
	t.Helper()
	status, err := post(s.client, s.url, body, smartcar.Sign(testToken, body))
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v\n%s", status, err, s.log())
	}
}

func (s *site) vehicleIDs(t *testing.T, query string) string {
	t.Helper()
	var p vehiclePage
	s.get(t, "/smartcar/vehicles?"+query, &p)
	var ids []string
	for _, v := range p.Items {
		ids = append(ids, v.ID)
	}
	return strings.Join(ids, " ")
}

// When was each car last heard of, and what is wrong with it: over kills, stops and reloads, until it is forgotten.
func TestVehicles(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s, _ := newAdminSite(t)
	p := s.startAdmin(t)
	s.must(t, "No vehicle is known", "vehicles")
	s.must(t, "There is no vehicle that has been silent for 24h.", "vehicles", "--silent", "24h")
	s.sendEvents(t, "car-1", 3)
	s.sendEvents(t, "car-2", 1)
	s.postError(t, "car-2", "ERROR")
	s.postError(t, "car-3", "ERROR")
	s.postError(t, "car-3", "RESOLVED")
	check := func(when string) {
		t.Helper()
		for query, want := range map[string]string{
			"": "car-1 car-2 car-3", "in_error=true": "car-2", "silent=1h": "", "source=default&limit=2": "car-1 car-2", "source=other": "",
		} {
			if got := s.vehicleIDs(t, query); got != want {
				t.Errorf("%s, %q: %q, want %q", when, query, got, want)
			}
		}
	}
	check("at once")
	var one vehiclePage
	s.get(t, "/smartcar/vehicles/car-2", &one)
	if v := one.Items[0]; time.Since(v.LastEventAt) > time.Minute || time.Since(v.NewestReadingAt) > time.Minute {
		t.Errorf("%+v", v)
	}
	out := s.must(t, "VEHICLE_STATE/UNREACHABLE since", "vehicles", "car-2")
	if !strings.Contains(out, "RETRY_LATER") || strings.Contains(out, "Anna") {
		t.Errorf("the vehicle:\n%s", out)
	}
	s.must(t, "car-2", "vehicles", "--in-error")
	s.refused(t, "nothing is known of a vehicle", "vehicles", "car-9")
	s.refused(t, "--silent", "vehicles", "--silent", "yesterday")

	p.kill(t)
	p = s.startAdmin(t)
	waitFor(t, "what was stored before the kill is known", 20*time.Second, func() bool {
		return s.vehicleIDs(t, "") == "car-1 car-2 car-3"
	})
	check("after a kill")
	p.terminate(t)
	s.startAdmin(t)
	waitFor(t, "the vehicles are read", 20*time.Second, func() bool {
		return s.askAdmin(t, http.MethodGet, "/smartcar/vehicles", "").status == http.StatusOK
	})
	check("after a stop")

	s.refused(t, "there is no terminal to ask at", "vehicles", "forget", "car-1")
	s.must(t, "is deleted", "vehicles", "forget", "--yes", "car-1")
	s.refused(t, "nothing is known of a vehicle", "vehicles", "forget", "--yes", "car-1")
	if got := s.vehicleIDs(t, ""); got != "car-2 car-3" {
		t.Errorf("after it was forgotten: %q", got)
	}

	// Off by a reload, and on again: it is made anew of what is stored.
	folder := filepath.Join(s.buffer, "vehicles")
	s.app = "vehicles off"
	s.loadAgain(t)
	waitFor(t, "what was kept is deleted", time.Minute, func() bool {
		_, err := os.Stat(folder)
		return os.IsNotExist(err)
	})
	s.refused(t, "no vehicles are kept", "vehicles")
	s.app = ""
	s.loadAgain(t)
	waitFor(t, "it is made anew", 20*time.Second, func() bool {
		return s.askAdmin(t, http.MethodGet, "/smartcar/vehicles", "").status == http.StatusOK && s.vehicleIDs(t, "") == "car-1 car-2 car-3"
	})
}

func (s *site) loadAgain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.adminLoad(ctx, s.caddyfile("7d")); err != nil {
		t.Fatal(err)
	}
}

// What this version does not know is told, and by name only.
func TestSchemaDrift(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s, _ := newAdminSite(t)
	s.startAdmin(t)
	s.must(t, "Nothing needs attention", "status")
	s.mustPost(t, fmt.Appendf(nil, `{"eventId":%q,"eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"car-1","color":"Anna's red"},`+
		`"signals":[{"code":"charge-flux","body":{"value":1}}]},"anna@example.org":1}`, uuid.NewString()))
	waitFor(t, "the drift is told", 20*time.Second, func() bool {
		out, _ := s.run(t, "status", "--json")
		return strings.Contains(out, "data.vehicle.color")
	})
	out := s.must(t, "Smartcar sends what this version does not know", "status")
	if strings.Contains(strings.ToLower(out), "anna") {
		t.Errorf("data is told:\n%s", out)
	}
	out, _ = s.run(t, "status", "--json")
	if strings.Contains(strings.ToLower(out), "anna") || !strings.Contains(out, "charge-flux") {
		t.Errorf("%s", out)
	}
}
