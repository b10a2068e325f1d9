package receiver

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// Which refused requests count as LIVE events: those that Smartcar may have signed with another token.
func TestRefusedLiveClaims(t *testing.T) {
	const foreign = "another token of 16 and more"
	live := `{"eventType":"VEHICLE_ERROR","meta":{"mode":"LIVE","webhookId":"w-1"}}`
	for name, tc := range map[string]struct {
		request *http.Request
		want    uint64
	}{
		"LIVE":                     {request(live, foreign), 1},
		"live, of version 2.0":     {request(`{"eventName":"schedule","mode":"live"}`, foreign), 1},
		"TEST":                     {request(strings.Replace(live, "LIVE", "TEST", 1), foreign), 0},
		"no mode":                  {request(`{"eventType":"VEHICLE_STATE"}`, foreign), 0},
		"VERIFY":                   {request(`{"eventType":"VERIFY","mode":"LIVE"}`, foreign), 0},
		"not readable":             {request(live[:len(live)-1], foreign), 0},
		"a right signature":        {request(live, tokenB), 0},
		"no signature":             {request(live, ""), 0},
		"a malformed signature":    {withSignatures(request(live, ""), "x"), 0},
		"a mode that is something": {request(`{"eventType":"VEHICLE_STATE","meta":{"mode":"LIVELY"}}`, foreign), 0},
		"larger than any of Smartcar's": {
			request(`{"pad":"`+strings.Repeat("x", largestLooked)+`",`+live[1:], foreign), 0},
	} {
		t.Run(name, func(t *testing.T) {
			rc, _ := newReceiver(t, stored)
			serve(t, rc, tc.request)
			if v := rc.counts.Live(); v.Refused != tc.want || v.Streak.All != tc.want || v.Streak.Unlooked != 0 {
				t.Errorf("%+v", v)
			}
		})
	}
}

// A recorded delivery has a right signature for ever. That it is sent again, once a minute for instance, neither ends
// that every LIVE event is refused, nor that every event is, nor does it say that a token is in use for LIVE events.
func TestDeliverySentAgainEndsNoStreak(t *testing.T) {
	const foreign = "another token of 16 and more"
	again := func(err error) storeFunc {
		return func(context.Context, *buffer.Event) (buffer.Receipt, error) {
			return buffer.Receipt{Duplicate: true}, err
		}
	}
	weekLater := func(refuses bool) *ageLimit {
		now := func() time.Time { return noon.AddDate(0, 0, 7) }
		return &ageLimit{limit: sixDays, refuses: refuses, events: &ageWorld{}, now: now}
	}
	for name, tc := range map[string]struct {
		store storeFunc
		age   *ageLimit
		ends  bool
	}{
		"new":              {stored, nil, true},
		"a duplicate":      {again(nil), nil, false},
		"not stored":       {again(buffer.ErrFull), nil, false},
		"refused for age":  {stored, weekLater(true), false},
		"too old, and new": {stored, weekLater(false), true},
	} {
		t.Run(name, func(t *testing.T) {
			rc, _ := newReceiver(t, stored)
			serve(t, rc, request(stateBody, tokenA))
			refusals := uint64(0)
			rc.store, rc.age = tc.store, tc.age
			for range 3 {
				serve(t, rc, request(stateBody, foreign))
				w, _ := serve(t, rc, request(dated(millis(noon)), tokenB))
				if refusals++; w.Code != http.StatusOK && w.Code != http.StatusServiceUnavailable {
					refusals++ // for its age
				}
			}
			streak := uint64(3)
			if tc.ends {
				streak, refusals = 0, 0
			}
			live, all := rc.counts.Live(), rc.counts.Refusals().All
			if live.Streak.All != streak || all != refusals || (live.Signed == 1) == tc.ends {
				t.Errorf("%+v, %d refused in all; want %d of LIVE and %d", live, all, streak, refusals)
			}
		})
	}
}

// What has a right signature is noted.
func TestRightSignaturesAreNoted(t *testing.T) {
	rc, _ := newReceiver(t, stored)
	serve(t, rc, request(stateBody, tokenB))
	serve(t, rc, request(stateBody, tokenA))
	serve(t, rc, request(strings.Replace(stateBody, "LIVE", "TEST", 1), tokenA))
	serve(t, rc, request(strings.Replace(stateBody, `"mode":"LIVE",`, "", 1), tokenA))
	serve(t, rc, request(verifyBody, tokenA))
	serve(t, rc, request("not JSON at all", tokenA))
	if v := rc.counts.Live(); v.Signed != 3 || v.Tests != 1 {
		t.Errorf("%+v", v)
	}
	counts := countsOf(rc, tokenA, tokenB)
	for range 3 {
		serve(t, rc, request(verifyBody, tokenB))
	}
	uses := counts.TokenUses(rc.Source)
	if uses[0].Matched != 0 || uses[1].Matched != 3 || !uses[1].HasMatched {
		t.Errorf("%+v", uses)
	}
}

// A flood of refused bodies is counted, and only some of them are looked at.
func TestFloodOfClaimsIsNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc, _ := newReceiver(t, stored)
		flood := func() {
			for range 1000 {
				serve(t, rc, request(stateBody, "another token of 16 and more"))
			}
		}
		flood()
		if v := rc.counts.Live(); v.Refused != looksAtOnce || v.Streak.Unlooked != 1000-looksAtOnce {
			t.Errorf("%+v", v)
		}
		time.Sleep(time.Second)
		flood()
		if v := rc.counts.Live(); v.Refused != looksAtOnce+looksPerSecond {
			t.Errorf("%+v a second later", v)
		}
		if n := rc.counts.Snapshot().Refused["signature_mismatch"]; n != 2000 {
			t.Errorf("%d are counted", n)
		}
	})
}

// The advice in the log is that of the state.
func TestAdviceByWhatWasRight(t *testing.T) {
	const foreign = "an earlier token"
	for _, tc := range []struct {
		name string
		do   func(rc *Receiver, counts *traffic.Counters)
		want string
	}{
		{"nothing", func(*Receiver, *traffic.Counters) {}, "compare the tokens of this receiver"},
		{"a VERIFY", func(rc *Receiver, _ *traffic.Counters) { serve(t, rc, request(verifyBody, "")) },
			"VERIFY works but no LIVE event"},
		{"a TEST event", func(rc *Receiver, _ *traffic.Counters) {
			serve(t, rc, request(strings.Replace(stateBody, "LIVE", "TEST", 1), tokenA))
		}, "VERIFY works but no LIVE event"},
		{"a LIVE event", func(rc *Receiver, _ *traffic.Counters) { serve(t, rc, request(stateBody, tokenA)) },
			"LIVE events had right signatures before"},
		{"a LIVE event of a token that is gone", func(rc *Receiver, counts *traffic.Counters) {
			serve(t, rc, request(stateBody, tokenA))
			counts.PutInForce(traffic.Accepted{rc.Source: {rc.tokens[1:]}})
		}, "put it back below the present one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rc, log := newReceiver(t, stored)
			tc.do(rc, countsOf(rc, tokenA, tokenB))
			serve(t, rc, request(stateBody, foreign))
			if !strings.Contains(log.String(), tc.want) {
				t.Errorf("log %s", log)
			}
		})
	}
}
