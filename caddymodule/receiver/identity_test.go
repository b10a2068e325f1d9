package receiver

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestIsOwn(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Smartcar-Source": true, "x-smartcar-source": true, "X_SMARTCAR_SOURCE": true, "X.Smartcar": true,
		"XSmartcarSource": true, "X-Smart-Car-Source": true, "~X-Smartcar": true, "X-Smartcars": true,
		"Sc-Signature": false, "Smartcar-Source": false, "X-Smartca": false, "X-Forwarded-For": false,
		"Y-X-Smartcar": false, "X1-Smartcar": false, "": false, "---": false,
	} {
		if got := isOwn(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

// A client cannot say who it is, nor have a proxy drop a header.
func TestDropForged(t *testing.T) {
	h := http.Header{
		"X_Smartcar_Source": {"a"}, "X-Smartcar-Event-Id": {"a", "b"}, "Connection": {"SC-Signature"}, "Upgrade": {"h2c"},
		"Expect": {"100-continue"}, "Te": {"trailers"}, "Trailer": {"X-Smartcar-Source"}, "Sc-Signature": {"s"},
		"Content-Type": {"application/json"}, "X-Forwarded-For": {"192.0.2.1"},
	}
	dropForged(h)
	want := http.Header{"Sc-Signature": {"s"}, "Content-Type": {"application/json"}, "X-Forwarded-For": {"192.0.2.1"}}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
}

func TestSetIdentity(t *testing.T) {
	usual := map[string]string{"X-Smartcar-Source": "test", "X-Smartcar-Token": "2"}
	for _, tt := range []struct {
		name string
		ev   buffer.Event
		more map[string]string
	}{
		{"an event", buffer.Event{ID: "e-1", Type: "VEHICLE_STATE", VehicleID: "v-1"},
			map[string]string{"X-Smartcar-Event-Id": "e-1", "X-Smartcar-Event-Type": "VEHICLE_STATE", "X-Smartcar-Vehicle-Id": "v-1"}},
		{"without a vehicle", buffer.Event{ID: "e-1", Type: "VEHICLE_STATE"},
			map[string]string{"X-Smartcar-Event-Id": "e-1", "X-Smartcar-Event-Type": "VEHICLE_STATE"}},
		{"unreadable", buffer.Event{ID: "digest", Unreadable: "no JSON"}, nil},
		{"a line break", buffer.Event{ID: "e\r\nX-Forged: 1", Type: "A"}, map[string]string{"X-Smartcar-Event-Type": "A"}},
		{"other letters", buffer.Event{ID: "é", Type: "A"}, map[string]string{"X-Smartcar-Event-Type": "A"}},
		{"a blank at the end", buffer.Event{ID: "e-1 ", Type: "A"}, map[string]string{"X-Smartcar-Event-Type": "A"}},
		{"too long", buffer.Event{ID: strings.Repeat("e", longestValue+1), Type: "A"}, map[string]string{"X-Smartcar-Event-Type": "A"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			tt.ev.Source = "test"
			setIdentity(h, &tt.ev, 2)
			want := http.Header{}
			for _, list := range []map[string]string{usual, tt.more} {
				for name, value := range list {
					want.Set(name, value)
				}
			}
			if diff := cmp.Diff(want, h); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever name a client finds: what an application may take for a header of ours is gone.
func FuzzIsOwn(f *testing.F) {
	for _, name := range []string{"X-Smartcar-Source", "x_smartcar", "X-Forwarded-For", "x.s-martcar!"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var letters strings.Builder
		for _, c := range []byte(strings.ToLower(name)) {
			if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
				letters.WriteByte(c)
			}
		}
		isASCII := !strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) // ToLower makes a k of the Kelvin sign
		if want := strings.HasPrefix(letters.String(), "xsmartcar"); isASCII && isOwn(name) != want {
			t.Errorf("%q: %v, want %v", name, !want, want)
		}
	})
}
