package status

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
)

func TestQuarantine(t *testing.T) {
	for _, test := range []struct {
		name       string
		summary    quarantine.Summary
		attention  string // in What; "": nothing
		hasNotices bool
	}{
		{"off", quarantine.Summary{}, "", false},
		{"none verifies", quarantine.Summary{On: true, Kept: 9, Bytes: 4096}, "", false},
		{"one verifies", quarantine.Summary{On: true, Kept: 9, Releasable: 1}, "1 refused event in the quarantine verifies", false},
		{"many verify", quarantine.Summary{Kept: 9, Releasable: 9}, "9 refused events in the quarantine verify", false},
		{"a full disk", quarantine.Summary{On: true, Failing: errors.New("no space\nmore")}, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := api.Status{Healthy: true}
			test.summary.Dropped = map[quarantine.Reason]uint64{quarantine.Rate: 3, quarantine.Disk: 0}
			AddQuarantine(&v, test.summary)
			if got := v.Quarantine; got.On != test.summary.On || got.Kept != test.summary.Kept || len(got.Dropped) != 1 || got.Dropped["rate"] != 3 {
				t.Errorf("%+v", got)
			}
			if test.attention == "" {
				if len(v.Attention) != 0 || !v.Healthy {
					t.Errorf("%+v", v.Attention)
				}
			} else if len(v.Attention) != 1 || !strings.Contains(v.Attention[0].What, test.attention) || v.Healthy {
				t.Errorf("%+v", v.Attention)
			}
			if len(v.Notices) > 0 != test.hasNotices {
				t.Errorf("%+v", v.Notices)
			}
		})
	}
}

// The metrics have each reason.
func TestReasonsOfTheQuarantine(t *testing.T) {
	var names []string
	for _, r := range quarantine.Reasons() {
		names = append(names, r.String())
	}
	if !slices.Equal(names, api.QuarantineDrops()) {
		t.Errorf("%q, %q", names, api.QuarantineDrops())
	}
}

// Where events are refused for their signature, it is said how to keep them, or where they are.
func TestRefusedSignaturesCanBeKept(t *testing.T) {
	live := api.Attention{Kind: api.LiveRefused, Source: "a", Do: "add a token"}
	every := api.Attention{Kind: api.EventsRefused, Source: "a", Do: "compare tokens"}
	for _, test := range []struct {
		name    string
		about   api.Attention
		refusal string
		summary quarantine.Summary
		want    string
	}{
		{"off", live, "", quarantine.Summary{}, "add a token; switch on quarantine first, as what is refused is lost"},
		{"on, and empty", live, "", quarantine.Summary{On: true}, "add a token; caddy smartcar signature explain says which one fits"},
		{"some are kept", live, "", quarantine.Summary{On: true, Kept: 2},
			"add a token; which one fits: caddy smartcar quarantine, signature explain ID"},
		{"every event", every, "signature_mismatch", quarantine.Summary{}, "compare tokens; switch on quarantine first, as what is refused is lost"},
		{"for another reason", every, "body_too_large", quarantine.Summary{}, "compare tokens"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := api.Status{Attention: []api.Attention{test.about}}
			v.Sources = []api.Source{{Name: "a", SourceCounts: api.SourceCounts{LastRefusal: test.refusal}}}
			AddQuarantine(&v, test.summary)
			if got := v.Attention[0]; got.Do != test.want || len(got.Commands) > 0 != (test.summary.Kept > 0) {
				t.Errorf("%+v", got)
			}
		})
	}
}
