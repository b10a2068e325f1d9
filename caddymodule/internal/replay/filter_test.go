package replay

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestFilterMatches(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	letter := buffer.DeadLetter{
		ID: "l1", Handler: "h", Reason: buffer.ReasonRejected, DiedAt: at,
		Event: buffer.Event{Source: "s", ID: "e1", Type: "T", Mode: "LIVE", VehicleID: "v", WebhookID: "w"},
	}
	for _, tt := range []struct {
		name          string
		filter        Filter
		event, letter bool
	}{
		{"no restriction", Filter{}, true, true},
		{"everything fits", Filter{
			EventIDs: []string{"e0", "e1"}, DeadLetters: []buffer.DeadLetterID{"l1"}, Source: "s", Vehicle: "v", Type: "T",
			Mode: "LIVE", Webhook: "w", Handler: "h", Reason: buffer.ReasonRejected, Since: at, Until: at.Add(1),
		}, true, true},
		{"another event", Filter{EventIDs: []string{"e2"}}, false, false},
		{"another source", Filter{Source: "x"}, false, false},
		{"another vehicle", Filter{Vehicle: "x"}, false, false},
		{"another type", Filter{Type: "x"}, false, false},
		{"another mode", Filter{Mode: "TEST"}, false, false},
		{"a mode in small letters", Filter{Mode: "live"}, true, true},
		{"another webhook", Filter{Webhook: "x"}, false, false},
		{"another letter", Filter{DeadLetters: []buffer.DeadLetterID{"l2"}}, true, false},
		{"another handler", Filter{Handler: "x"}, true, false},
		{"another reason", Filter{Reason: buffer.ReasonPoison}, true, false},
		{"since later", Filter{Since: at.Add(1)}, true, false},
		{"until then", Filter{Until: at}, true, false},
	} {
		if got := tt.filter.MatchEvent(&letter.Event); got != tt.event {
			t.Errorf("%s: picks the event: %t", tt.name, got)
		}
		if got := tt.filter.MatchDeadLetter(&letter); got != tt.letter {
			t.Errorf("%s: picks the letter: %t", tt.name, got)
		}
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name            string
		filter          Filter
		events, letters string // what the error says, "" for none
	}{
		{"none", Filter{}, "", ""},
		{"only letters have these", Filter{Reason: buffer.ReasonPoison}, "only dead letters", ""},
		{"a handler", Filter{Handler: "h"}, "only dead letters", ""},
		{"ids of letters", Filter{DeadLetters: []buffer.DeadLetterID{"1"}}, "give event ids", ""},
		{"an unknown reason", Filter{Reason: "tired"}, "only dead letters", `no reason "tired"`},
		{"too many ids", Filter{EventIDs: make([]string, MaxIDs+1)}, "1001 ids are too many", "1001 ids are too many"},
		{"too many ids of two kinds", Filter{EventIDs: make([]string, MaxIDs), DeadLetters: make([]buffer.DeadLetterID, 1)},
			"give event ids", "1001 ids are too many"},
		{"as many ids as may be", Filter{EventIDs: make([]string, MaxIDs)}, "", ""},
		{"a long id", Filter{EventIDs: []string{strings.Repeat("x", MaxBytes+1)}}, "65537 bytes", "65537 bytes"},
		{"a long id of a letter", Filter{DeadLetters: []buffer.DeadLetterID{buffer.DeadLetterID(strings.Repeat("x", MaxBytes+1))}},
			"give event ids", "65537 bytes"},
		{"a long vehicle", Filter{Vehicle: strings.Repeat("x", 1<<20)}, "1048576 bytes", "1048576 bytes"},
		{"long texts together", Filter{Type: strings.Repeat("x", MaxBytes/2), Mode: strings.Repeat("x", MaxBytes/2), Source: "s"},
			"65537 bytes", "65537 bytes"},
		{"as long as may be", Filter{Webhook: strings.Repeat("x", MaxBytes)}, "", ""},
		{"an empty time", Filter{Since: at, Until: at}, "is not before until", "is not before until"},
	} {
		for _, check := range []struct {
			of   string
			err  error
			want string
		}{{"events", tt.filter.CheckEvents(), tt.events}, {"letters", tt.filter.CheckDeadLetters(), tt.letters}} {
			if (check.err == nil) != (check.want == "") || check.err != nil && !strings.Contains(check.err.Error(), check.want) {
				t.Errorf("%s, for %s: %v, want %q", tt.name, check.of, check.err, check.want)
			}
		}
	}
}
