package app

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
)

func TestQuarantineOption(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       Quarantine
		mistake    string
	}{
		{"alone", "quarantine", Quarantine{}, ""},
		{"an empty block", "quarantine {\n}", Quarantine{}, ""},
		{"all of it", "quarantine {\nmax_size 2MiB\nmax_count 3\nmax_age 4d\nmax_rate 128KiB\n}",
			Quarantine{MaxSize: 2 << 20, MaxCount: 3, MaxAge: caddy.Duration(96 * time.Hour), MaxRate: 128 << 10}, ""},
		{"an argument", "quarantine 7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30", Quarantine{}, "quarantine takes no argument"},
		{"an unknown option", "quarantine {\nkeep 3\n}", Quarantine{}, "unknown option 'keep'"},
		{"twice", "quarantine {\nmax_count 1\nmax_count 2\n}", Quarantine{}, "given twice"},
		{"no number", "quarantine {\nmax_count many\n}", Quarantine{}, "must be 1 to 100000"},
		{"none", "quarantine {\nmax_count 0\n}", Quarantine{}, "must be 1 to 100000"},
		{"too many", "quarantine {\nmax_count 100001\n}", Quarantine{}, "must be 1 to 100000"},
		{"too small", "quarantine {\nmax_size 1KiB\n}", Quarantine{}, "must be 1MiB or more"},
		{"too slow", "quarantine {\nmax_rate 1KiB\n}", Quarantine{}, "must be 64KiB or more"},
		{"too short", "quarantine {\nmax_age 1s\n}", Quarantine{}, "must be 1m0s or more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := new(App)
			err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser("smartcar {\n" + test.text + "\n}"))
			if test.mistake != "" {
				if err == nil || !strings.Contains(err.Error(), test.mistake) || strings.Contains(err.Error(), "7f1c9a52") {
					t.Errorf("%v, want %q", err, test.mistake)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, *a.Quarantine); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is kept for longer than the buffer knows ids could be stored twice.
func TestQuarantineWithinTheDedupeWindow(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		age, window time.Duration
		ok          bool
	}{
		{0, day, true}, {7 * day, 7 * day, true}, {7*day + 1, 7 * day, false}, {2 * day, day, false}, {2 * day, 0, true},
	} {
		if err := (&Quarantine{MaxAge: caddy.Duration(test.age)}).check(test.window); (err == nil) != test.ok {
			t.Errorf("%s in %s: %v", test.age, test.window, err)
		}
	}
	var none *Quarantine
	if err := none.check(day); err != nil || none.settings().On || !(&Quarantine{}).settings().On {
		t.Error(err)
	}
	if s := (&Quarantine{}).settings(); s.MaxSize != quarantine.DefaultMaxSize || s.MaxAge != quarantine.DefaultMaxAge {
		t.Errorf("%+v", s)
	}
}
