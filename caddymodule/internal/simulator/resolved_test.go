package simulator

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// An error and its end can be sent about the same vehicle.
func TestOneVehicle(t *testing.T) {
	for _, tt := range []struct {
		kind     Type
		resolved bool
	}{{TypeError, false}, {TypeResolved, true}} {
		t.Run(string(tt.kind), func(t *testing.T) {
			var seen []smartcar.VehicleError
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				e, err := smartcar.ParseEvent(body)
				if err != nil || e.VehicleID != "van-7" {
					t.Errorf("%v, vehicle %q", err, e.VehicleID)
				}
				seen = append(seen, e.Errors...)
				w.WriteHeader(http.StatusNoContent)
			}))
			defer server.Close()
			o := Options{URL: server.URL, Token: token, Type: tt.kind, VehicleID: "van-7", Count: 2, Any2xx: true}
			if s, err := Run(t.Context(), o); err != nil || !s.OK() {
				t.Fatalf("%v: %+v", err, s)
			}
			if len(seen) != 2 || seen[0].Resolved() != tt.resolved {
				t.Errorf("sent %+v", seen)
			}
		})
	}
}

func TestEitherVehicleOrVehicles(t *testing.T) {
	if _, err := (Options{URL: "http://x", Token: token, VehicleID: "v", Vehicles: 2}).check(); err == nil {
		t.Error("a vehicle and a number of vehicles were taken together")
	}
}
