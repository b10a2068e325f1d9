package traffic

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A streak of refused LIVE events ends with the next that is right, and with other tokens; TEST events change nothing.
func TestRefusedLiveEvents(t *testing.T) {
	at := noon.Add
	streak := func(n uint64, since, last time.Duration) LiveRefusals {
		return LiveRefusals{Since: at(since), Last: at(last), All: n}
	}
	for _, tt := range []struct {
		name string
		do   func(r *rotation, k *Token)
		want LiveRefusals
	}{
		{"none", func(*rotation, *Token) {}, LiveRefusals{}},
		{"two", func(r *rotation, _ *Token) {
			r.source.RefusedLive(at(0), "")
			r.source.RefusedLive(at(time.Minute), "w-2")
		}, streak(2, 0, time.Minute)},
		{"and a TEST event", func(r *rotation, k *Token) {
			r.source.RefusedLive(at(0), "")
			r.sign(k, test)
		}, streak(1, 0, 0)},
		{"and an event that was stored", func(r *rotation, _ *Token) {
			r.source.RefusedLive(at(0), "")
			r.source.NoteStored(at(0))
		}, streak(1, 0, 0)},
		{"and a LIVE event", func(r *rotation, k *Token) {
			r.source.RefusedLive(at(0), "")
			r.sign(k, live)
		}, LiveRefusals{}},
		{"again, after a LIVE event", func(r *rotation, k *Token) {
			r.source.RefusedLive(at(0), "")
			r.sign(k, live)
			r.source.RefusedLive(at(time.Minute), "")
		}, streak(1, time.Minute, time.Minute)},
		{"before another token", func(r *rotation, _ *Token) {
			r.source.RefusedLive(at(0), "")
			r.load([]string{newToken, oldToken})
		}, LiveRefusals{}},
		{"before a token went", func(r *rotation, _ *Token) {
			r.load([]string{newToken, oldToken})
			r.source.RefusedLive(at(0), "")
			r.load([]string{newToken})
		}, LiveRefusals{}},
		{"before a reload with the same tokens", func(r *rotation, _ *Token) {
			r.source.RefusedLive(at(0), "")
			r.Tokens("production", []string{newToken}) // of a config that is refused
			r.load([]string{oldToken})
		}, streak(1, 0, 0)},
		{"of another source", func(r *rotation, _ *Token) { r.Source("test").RefusedLive(at(0), "") }, LiveRefusals{}},
		{"long ago", func(r *rotation, _ *Token) {
			r.source.RefusedLive(at(0), "")
			r.source.RefusedLive(at(day+1), "")
		}, streak(1, day+1, day+1)},
		{"that name a webhook of a right one", func(r *rotation, k *Token) {
			r.sign(k, test)
			r.source.RefusedLive(at(0), "w-1")
			r.source.RefusedLive(at(0), "w-2")
		}, LiveRefusals{Since: at(0), Last: at(0), All: 2, Known: 1}},
		{"in a flood", func(r *rotation, _ *Token) {
			r.source.RefusedUnlooked()
			r.source.RefusedLive(at(0), "")
			r.source.RefusedUnlooked()
		}, LiveRefusals{Since: at(0), Last: at(0), All: 1, Unlooked: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRotation()
			k := r.load([]string{oldToken})[0][0]
			tt.do(r, k)
			if diff := cmp.Diff(tt.want, r.source.Live().Streak); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The first config's receivers take requests while the rest of it starts, as handlers: what they refuse then counts. What
// was refused when a source had receivers before says nothing of those that it has now.
func TestRefusedLiveEventsOfTheFirstConfig(t *testing.T) {
	r := newRotation()
	k := r.Tokens("production", []string{oldToken})
	r.source.RefusedLive(noon, "")
	accepted := Accepted{}
	accepted.Add("production", k)
	r.PutInForce(accepted)
	if n := r.source.Live().Streak.All; n != 1 {
		t.Errorf("a streak of %d while the first config starts, want 1", n)
	}
	r.PutInForce(Accepted{})
	r.load([]string{newToken})
	if n := r.source.Live().Streak.All; n != 0 {
		t.Errorf("a streak of %d of receivers that were taken out", n)
	}
}

// The token of the last LIVE event may be in the config no more.
func TestTokenOfTheLastLiveEvent(t *testing.T) {
	r := newRotation()
	k := r.load([]string{oldToken})[0][0]
	r.sign(k, live)
	r.passed = time.Hour
	r.sign(k, test)
	if v := r.source.Live(); v.TokenGone || v.Signed != 1 || v.Tests != 1 || v.LastSigned != time.Hour {
		t.Errorf("%+v", v)
	}
	r.load([]string{newToken})
	if v := r.source.Live(); !v.TokenGone {
		t.Errorf("%+v after the token was taken out", v)
	}
}

// However many webhooks there are, only the first few are known.
func TestWebhooksAreBounded(t *testing.T) {
	var w webhookSet
	for i := range 100 {
		w.add(fmt.Sprint(i))
	}
	if !w.has("0") || !w.has("7") || w.has("8") || w.has("") {
		t.Error("not the first 8")
	}
}
