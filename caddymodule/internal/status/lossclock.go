package status

import (
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// lossTold is how long what is lost needs attention: nothing brings it back, so it ends by itself.
const lossTold = 24 * time.Hour

// afterLoss is what to do about what is lost.
const afterLoss = "Smartcar does not send that again: where you need it, ask its API for the vehicles' present " +
	"state; this line goes a day after the last loss"

func viewLoss(l lossclock.Loss) api.Loss {
	return api.Loss{
		Pending: l.Pending, ClockSeconds: api.Seconds(l.Left), Lost: l.Lost, LostUncertain: l.Uncertain,
		RecentlyLost: l.Recent.Lost, LostSince: api.UTC(l.Recent.Since), LastLost: api.UTC(l.Recent.Last),
		Unverified: l.Unverified,
	}
}

func viewDowntime(d lossclock.Downtime) api.Downtime {
	v := api.Downtime{
		State: api.DowntimeNone, Why: d.Unknown, Since: api.UTC(d.Since), Until: api.UTC(d.Until),
		Seconds: api.Seconds(d.Lasted), LostSeconds: api.Seconds(d.Lost),
	}
	switch {
	case d.Unknown != "":
		v.State = api.DowntimeUnknown
	case d.Known && d.Until.IsZero():
		v.State = api.DowntimeOn
	case d.Known:
		v.State = api.DowntimeOver
	}
	return v
}

// lossAttention is about what is lost, or soon will be.
func lossAttention(v *api.Status) []api.Attention {
	list := downtimeAttention(v)
	for i := range v.Sources {
		list = append(list, pendingAttention(v, &v.Sources[i])...)
		list = append(list, lostAttention(v.At, &v.Sources[i])...)
	}
	return list
}

func pendingAttention(v *api.Status, s *api.Source) []api.Attention {
	n := s.Loss.Pending
	if n == 0 {
		return nil
	}
	were, have, them := "were", "have", "the first"
	if n == 1 {
		were, have, them = "was", "has", "it"
	}
	refused := "refused"
	if s.NotTaken > 0 {
		refused = "not taken by the application"
	}
	what := fmt.Sprintf("%s: %s with a right signature %s %s and %s not come again: ",
		s.Name, text.Deliveries(n), were, refused, have)
	if left := seconds(s.Loss.ClockSeconds); left < time.Second {
		what += fmt.Sprintf("Smartcar may have given %s up", them)
	} else {
		what += fmt.Sprintf("%s until Smartcar gives %s up", text.Duration(left), them)
	}
	if s.NotTaken > 0 {
		return []api.Attention{{Kind: api.DeliveriesPending, Source: s.Name, Level: api.LevelError, What: what,
			Do: "have the application behind smartcar_verify answer 2xx by then: Caddy's log has its last answers"}}
	}
	if v.Receiving.Healthy {
		// Nobody can do more than that.
		return []api.Attention{{Kind: api.DeliveriesPending, Source: s.Name, Level: api.LevelWarning, What: what,
			Do: "wait: events are taken now, and Smartcar sends by itself what it has not given up"}}
	}
	return []api.Attention{{Kind: api.DeliveriesPending, Source: s.Name, Level: api.LevelError, What: what,
		Do: "have events received again by then, as the line about that says"}}
}

func lostAttention(now time.Time, s *api.Source) []api.Attention {
	n := s.Loss.RecentlyLost
	if n == 0 {
		return nil
	}
	are, atMost := "are", ""
	if n == 1 {
		are = "is"
	}
	if s.Loss.LostUncertain > 0 {
		atMost = " at most: too many were refused at once to know which came again"
	}
	return []api.Attention{{Kind: api.DeliveriesLost, Source: s.Name, Level: api.LevelError,
		What: fmt.Sprintf("%s: %s %s lost%s, refused from %s ago on, the last one given up %s ago",
			s.Name, text.Deliveries(n), are, atMost,
			text.Duration(max(0, now.Sub(s.Loss.LostSince))), text.Duration(max(0, now.Sub(s.Loss.LastLost)))),
		Do: afterLoss,
	}}
}

// downtimeAttention is about the time before this process. Nobody knows whether Smartcar sent something then, so that
// it is lost is a warning.
func downtimeAttention(v *api.Status) []api.Attention {
	d := &v.Downtime
	switch d.State {
	case api.DowntimeOn:
		if v.Receiving.Healthy {
			return nil // Caddy is about to listen
		}
		what := fmt.Sprintf("nothing could be received for %s, from before Caddy's start on: ",
			text.Duration(seconds(d.Seconds)))
		if d.LostSeconds > 0 {
			what += fmt.Sprintf("what Smartcar first sent in %s of it is lost, and more with each second",
				text.Duration(seconds(d.LostSeconds)))
		} else {
			what += fmt.Sprintf("%s until Smartcar gives up what it sent first",
				text.Duration(lossclock.Window-seconds(d.Seconds)))
		}
		return []api.Attention{{Kind: api.ReceivingGap, Level: api.LevelError, What: what,
			Do: "have events received again, as the line about that says"}}
	case api.DowntimeOver:
		if d.LostSeconds == 0 || v.At.Sub(d.Until) > lossTold {
			return nil
		}
		return []api.Attention{{Kind: api.ReceivingGap, Level: api.LevelWarning,
			What: fmt.Sprintf("nothing could be received for %s, until %s ago: what Smartcar first sent in the first %s is"+
				" lost", text.Duration(seconds(d.Seconds)), text.Duration(max(0, v.At.Sub(d.Until))),
				text.Duration(seconds(d.LostSeconds))),
			Do: afterLoss,
		}}
	}
	return nil
}

// downtimeNotices say that a downtime is not known, for a day.
func downtimeNotices(v *api.Status) []api.Notice {
	if v.Downtime.State != api.DowntimeUnknown || v.At.Sub(v.Since) > lossTold {
		return nil
	}
	return []api.Notice{{
		What: "for how long nothing could be received before Caddy's start is not known: " + v.Downtime.Why,
		Do:   "if it was longer than Smartcar tries, which is 175 seconds, what it sent then is lost",
	}}
}
