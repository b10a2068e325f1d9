package caddymodule

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// nearlyFull is the share of the size limit above which a person is told: from nine
// tenths on the disk buffer lets settled events go early, so what is left above that is
// not settled, and at 95 hundredths it refuses events.
const nearlyFull = 0.92

// attention lists what needs a person, what stops events first.
func attention(v *statusView, incomplete error) []attentionView {
	list := receivingAttention(v)
	for i := range v.Handlers {
		list = append(list, handlerAttention(v.At, &v.Handlers[i])...)
	}
	if incomplete != nil {
		list = append(list, attentionView{levelError, "the buffer does not say how far handlers are: " + incomplete.Error(),
			"look at Caddy's log and at the disk"})
	}
	list = append(list, bufferAttention(&v.Buffer)...)
	for _, r := range v.Removed {
		if r.Behind.Events == 0 {
			continue
		}
		what := fmt.Sprintf("%d events wait for %s, which is in no handlers file", r.Behind.Events, r.Name)
		if !r.LetGoAt.IsZero() {
			what += ", until " + r.LetGoAt.Format(time.RFC3339)
		}
		list = append(list, attentionView{levelWarning, what,
			"put it back, or let go: caddy smartcar forget " + r.Name})
	}
	for _, r := range v.Replays {
		if r.State == string(replay.StateFailed) {
			list = append(list, attentionView{levelWarning, fmt.Sprintf("replay %s to %s failed: %s", r.ID, r.Handler, r.Error),
				"mend the cause, then: caddy smartcar replay resume " + r.ID})
		}
	}
	if list == nil {
		list = []attentionView{}
	}
	return list
}

// receivingAttention is about events that are refused.
func receivingAttention(v *statusView) []attentionView {
	if v.Receiving.Healthy {
		return nil
	}
	a := attentionView{Level: levelError, What: "events are refused with 503: " + v.Receiving.Why}
	switch v.Receiving.State {
	case string(engine.ReceivingSealed):
		a.Do = "see to the disk, then restart Caddy; nothing that was answered 200 is lost"
	case string(engine.ReceivingFailed):
		a.Do = "mend the cause; Caddy goes on trying to open the buffer"
	case string(engine.ReceivingClosed):
		a.Do = "Caddy is ending or loading; ask again in a moment"
	case stateFull:
		a.Do = "let handlers work off their backlog, or raise max_size; it recovers by itself"
	default:
		a.Do = "look at the disk's load and at Caddy's log"
	}
	return []attentionView{a}
}

func handlerAttention(now time.Time, h *handlerView) []attentionView {
	one := func(level, what, do string) []attentionView { return []attentionView{{level, what, do}} }
	switch h.State {
	case "down":
		return one(levelError, because(h.Name+" is down", h.LastError),
			"mend its plugin; Caddy goes on starting it, its events wait")
	case "failing":
		return one(levelError, because(h.Name+" cannot go on", h.LastError),
			"look at the disk and at Caddy's log; if it stays, restart Caddy")
	case "breaker-open", "probing":
		what := fmt.Sprintf("%s has got nothing for %s", h.Name, duration(now.Sub(h.Breaker.Since)))
		return one(levelError, because(what, h.LastError),
			"mend what it depends on; it is tried again by itself")
	case "paused", "draining":
		if h.Behind.Events == 0 {
			return nil
		}
		return one(levelWarning, fmt.Sprintf("%s is paused, %s events wait", h.Name, humanize.Comma(int64(h.Behind.Events))),
			"when it may go on: caddy smartcar resume "+h.Name)
	default:
		return nil
	}
}

func bufferAttention(b *bufferView) []attentionView {
	var list []attentionView
	if b.LimitShare >= nearlyFull {
		list = append(list, attentionView{levelWarning,
			fmt.Sprintf("the buffer has %.0f%% of its max_size of %s", 100*b.LimitShare, humanize.IBytes(b.LimitBytes)),
			"find the handler that is behind, or raise max_size"})
	}
	if b.Corrupt > 0 {
		list = append(list, attentionView{levelError, plural(b.Corrupt, "damaged record") + " found in the buffer",
			"see to the disk; the events are among the dead letters, as unreadable"})
	}
	if b.DeadLetters > 0 {
		list = append(list, attentionView{levelWarning, plural(b.DeadLetters, "dead letter"),
			"caddy smartcar dead-letters, then: dead-letters replay or drop"})
	}
	return list
}

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}

// duration is rough, for people: two units at most.
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}
