package status

import (
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// knownPast is how long after the last of them refused LIVE events are over that name a known webhook. A small fleet
// may send nothing all night, and those are Smartcar's as far as one can tell.
const knownPast = 24 * time.Hour

// signatureAttention is about a source of which every event is refused, or every LIVE one. The latter says more, so it
// stands alone where both are for the signature.
func signatureAttention(now time.Time, s *api.Source, refused traffic.Refusals) []api.Attention {
	if !s.Live.AllRefused {
		return refusedAttention(now, s, refused)
	}
	list := []api.Attention{liveAttention(now, s)}
	if mostly(refused.By) == "signature_mismatch" {
		return list
	}
	return append(list, refusedAttention(now, s, refused)...)
}

// isLiveRefused reports whether enough is known to say that a source's LIVE events are refused, while its token does
// fit something: VERIFY is answered, or an event had a right signature. Where nothing ever had one, it is a wrong
// token, and events_refused says so.
//
// The bounds are those of all refused events. What names a known webhook needs no time, but five: more than the four
// attempts for one event.
func isLiveRefused(now time.Time, s *api.Source) bool {
	l := &s.Live
	if s.Verified == 0 && l.Signed+l.Tests == 0 {
		return false
	}
	isSetUp := l.Signed == 0 && l.SinceSigned >= fewRefused
	goesOn := l.SinceSigned >= manyRefused && l.LastRefused.Sub(l.RefusedSince) >= refusedFor
	past := refusedPast
	if l.KnownWebhook > 0 {
		past = knownPast
	}
	return (isSetUp || goesOn || l.KnownWebhook >= manyRefused) && now.Sub(l.LastRefused) <= past
}

// liveAttention names the state, with advice by what was right before. It is an error where the refused events name a
// webhook that only events with a right signature have named here; else a stranger who claims to be LIVE looks the
// same.
func liveAttention(now time.Time, s *api.Source) api.Attention {
	l := &s.Live
	a := api.Attention{Kind: api.LiveRefused, Source: s.Name, Level: api.LevelWarning}
	do := ""
	switch {
	case l.Signed == 0:
		a.What = works(s) + ", but every LIVE event is refused"
		do = "add an earlier token below the present one, mostly the first ever issued"
	case l.TokenRemoved:
		a.What = "every LIVE event is refused since their token was taken out"
		do = "put the token back below the present one: Smartcar goes on to sign with it"
	default:
		a.What = fmt.Sprintf("LIVE events had right signatures until %s ago, and every one is refused since",
			text.Duration(max(0, now.Sub(l.LastSigned))))
		do = "add the new token above the present one, or look for a proxy that changes bodies"
	}
	atLeast := ""
	if l.Unlooked > 0 {
		atLeast = "at least "
	}
	a.What = fmt.Sprintf("%s: %s: %s%s, the first one %s ago, the last one %s ago (signature_mismatch)", s.Name, a.What,
		atLeast, text.Count(l.SinceSigned), text.Duration(max(0, now.Sub(l.RefusedSince))),
		text.Duration(max(0, now.Sub(l.LastRefused))))
	a.Do = do
	if l.KnownWebhook >= fewRefused {
		a.Level = api.LevelError
		return a
	}
	a.Do = "if Smartcar's dashboard shows failed deliveries (else a stranger sent them): " + a.Do
	return a
}

// works says what had a right signature, or was answered.
func works(s *api.Source) string {
	switch {
	case s.Live.Tests == 0:
		return "VERIFY is answered"
	case s.Verified == 0:
		return "TEST events have right signatures"
	default:
		return "VERIFY is answered and TEST events have right signatures"
	}
}

func viewLive(now time.Time, live traffic.Live) api.LiveSignatures {
	r := &live.Streak
	v := api.LiveSignatures{
		Signed: live.Signed, Tests: live.Tests, TokenRemoved: live.TokenGone, Refused: live.Refused,
		RefusedSince: api.UTC(r.Since), LastRefused: api.UTC(r.Last),
		SinceSigned: r.All, KnownWebhook: r.Known, Unlooked: r.Unlooked,
	}
	if live.Signed > 0 {
		v.LastSigned = api.UTC(now.Add(-live.LastSigned))
	}
	return v
}
