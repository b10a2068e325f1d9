package status

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// A token that nothing has matched for a day is named, and nothing is the matter with it.
func TestRemovableTokenIsANotice(t *testing.T) {
	s := newSigned(newToken, oldToken)
	s.sign(2, smartcar.ModeLive)
	s.passed = 26 * time.Hour
	s.sign(1, smartcar.ModeLive)
	s.passed += time.Minute
	v := s.status()
	want := []api.Notice{{
		What: "production: nothing has matched token 2 for a day, while LIVE events matched another one",
		Do:   "if it is the old one of a rotation, take it out of the config and reload",
	}}
	if diff := cmp.Diff(want, v.Notices); diff != "" || !v.Healthy {
		t.Errorf("healthy %t: %s", v.Healthy, diff)
	}
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	tokens := []api.TokenUse{
		{Number: 1, Matched: 1, LastMatched: ago(time.Minute), Since: ago(s.passed)},
		{Number: 2, Matched: 1, LastMatched: ago(s.passed), Since: ago(s.passed), Removable: true},
	}
	if diff := cmp.Diff(tokens, v.Sources[0].Tokens); diff != "" {
		t.Error(diff)
	}
	s.refuse(5, "w-1", time.Minute, 0)
	if v := s.status(); len(v.Notices) > 0 {
		t.Errorf("named although LIVE events are refused: %+v", v.Notices)
	}
}

// The wall clock says nothing about how long a token was not used.
func TestAJumpOfTheClockNamesNoToken(t *testing.T) {
	s := newSigned(newToken, oldToken)
	s.sign(2, smartcar.ModeLive)
	s.passed = time.Hour
	s.sign(1, smartcar.ModeLive)
	v := Make(noon.AddDate(1, 0, 0), engine.Status{Receiving: engine.ReceivingOpen}, &s.Counters, new(DeadLetterWatch),
		buffer.Limits{}, Receivers{})
	if len(v.Notices) > 0 || v.Sources[0].Tokens[1].Removable {
		t.Errorf("%+v %+v", v.Notices, v.Sources[0].Tokens)
	}
}

func TestTokenOfOneOfSeveralReceivers(t *testing.T) {
	for want, k := range map[string]api.TokenUse{
		"token 2":                     {Number: 2},
		"token 1 of its 2nd receiver": {Receiver: 2, Number: 1},
	} {
		if got := tokenName(&k); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
