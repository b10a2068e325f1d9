package app

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
)

func TestVehiclesOption(t *testing.T) {
	hours := func(n int) caddy.Duration { return caddy.Duration(time.Duration(n) * time.Hour) }
	for _, test := range []struct {
		name, text string
		want       Vehicles
		mistake    string
	}{
		{"off", "vehicles off", Vehicles{Off: true}, ""},
		{"nothing said", "vehicles {\n}", Vehicles{}, ""},
		{"all of it", "vehicles {\nforget_after 30d\nsilent_after 6h\nalert_source_silent 2h\nalert_silent_share 20%\n}",
			Vehicles{ForgetAfter: hours(720), SilentAfter: hours(6), AlertSourceSilent: hours(2), AlertSilentShare: 0.2}, ""},
		{"no alerts", "vehicles {\nalert_source_silent off\nalert_silent_share off\n}", Vehicles{AlertSourceSilent: never}, ""},
		{"another word", "vehicles on", Vehicles{}, "vehicles takes off, or a block"},
		{"off with a block", "vehicles off {\nsilent_after 1h\n}", Vehicles{}, "vehicles has no block"},
		{"more than off", "vehicles {\nalert_source_silent off 2h\n}", Vehicles{}, "behind off there is nothing more"},
		{"an unknown option", "vehicles {\nkeep 90d\n}", Vehicles{}, "unknown option 'keep'"},
		{"twice", "vehicles {\nsilent_after 1h\nsilent_after 2h\n}", Vehicles{}, "given twice"},
		{"no share", "vehicles {\nalert_silent_share 0.2\n}", Vehicles{}, "must be more than 0% and at most 100%"},
		{"too large a share", "vehicles {\nalert_silent_share 120%\n}", Vehicles{}, "must be more than 0% and at most 100%"},
		{"no number", "vehicles {\nalert_silent_share NaN%\n}", Vehicles{}, "must be more than 0% and at most 100%"},
		{"forgotten before it is silent", "vehicles {\nforget_after 12h\n}", Vehicles{}, "no vehicle would ever be silent"},
		{"forgotten at once", "vehicles {\nforget_after 1m\nsilent_after 1m\n}", Vehicles{}, "must be 1h0m0s or more"},
		{"silent at once", "vehicles {\nsilent_after 1s\n}", Vehicles{}, "must be 1m0s or more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := new(App)
			err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser("smartcar {\n" + test.text + "\n}"))
			if test.mistake != "" {
				if err == nil || !strings.Contains(err.Error(), test.mistake) {
					t.Errorf("%v, want %q", err, test.mistake)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, *a.Vehicles); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSilenceAlerts(t *testing.T) {
	for _, test := range []struct {
		name  string
		v     Vehicles
		want  time.Duration
		usual bool
	}{
		{"default", Vehicles{}, 24 * time.Hour, true},
		{"chosen", Vehicles{AlertSourceSilent: caddy.Duration(time.Hour)}, time.Hour, false},
		{"never", Vehicles{AlertSourceSilent: never}, 0, false},
	} {
		if a := test.v.alerts(nil); a.SourceSilent != test.want || a.Usual != test.usual {
			t.Errorf("%s: %+v", test.name, a)
		}
	}
}
