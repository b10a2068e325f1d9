package status

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// nearlyFull is the share of the size limit above which the status warns: from nine
// tenths on the disk buffer lets settled events go early, so what is left above that is
// not settled, and at 95 hundredths it refuses events.
const nearlyFull = 0.92

// attention lists what needs attention. What stops events comes first.
func attention(
	v *api.Status, s *engine.Status, dead *deadLetters, counts *traffic.Counters, receivers Receivers,
) []api.Attention {
	list := append(receivingAttention(v, s), receivers.attention()...)
	list = append(list, lossAttention(v)...)
	list = append(list, crowdAttention(v.At, counts.Crowd.Current(v.At))...)
	for i := range v.Sources {
		list = append(list, signatureAttention(v.At, &v.Sources[i], counts.Source(v.Sources[i].Name).Refusals())...)
	}
	list = append(list, unmatchedAttention(s.Handlers)...)
	for i := range v.Handlers {
		list = append(list, handlerAttention(v.At, &v.Handlers[i])...)
		list = append(list, conditionAttention(&v.Handlers[i])...)
	}
	if s.Incomplete != nil {
		list = append(list, api.Attention{Kind: api.ProgressUnknown, Level: api.LevelError,
			What: "the buffer does not say how far handlers are: " + s.Incomplete.Error(),
			Do:   "look at Caddy's log and at the disk"})
	}
	list = append(list, bufferAttention(v)...)
	list = append(list, folderAttention(&s.Buffer)...)
	list = append(list, dead.attention(v.Buffer.DeadLetters)...)
	for _, r := range v.Removed {
		if r.Behind.Events == 0 {
			continue
		}
		what := fmt.Sprintf("%s for %s, which is in no handlers file", text.Waiting(r.Behind.Events), r.Name)
		if !r.LetGoAt.IsZero() {
			what += fmt.Sprintf(", for another %s", text.Duration(max(0, r.LetGoAt.Sub(v.At))))
		}
		forget := "caddy smartcar forget " + r.Name
		list = append(list, api.Attention{Kind: api.HandlerRemoved, Level: api.LevelWarning, Handler: r.Name, What: what,
			Do: "put it back, or let go: " + forget, Commands: []string{forget}})
	}
	for _, r := range v.Replays {
		list = append(list, replayAttention(&r)...)
	}
	list = append(list, mistakeAttention(s.Mistake)...)
	if list == nil {
		list = []api.Attention{}
	}
	return list
}

// receivingAttention is about events that are refused.
func receivingAttention(v *api.Status, s *engine.Status) []api.Attention {
	if v.Receiving.Healthy || v.Receiving.State == api.StateUnreached || v.Receiving.State == api.StateNoReceiver {
		return nil
	}
	a := api.Attention{Kind: api.NotStored, Level: api.LevelError, What: "events are refused with 503"}
	if v.Receiving.Why != "" {
		a.What += ": " + v.Receiving.Why
	}
	switch v.Receiving.State {
	case string(engine.ReceivingHalted):
		a.Kind = api.BufferHalted
		a.Do = haltedAdvice(s.Buffer.Halted)
	case string(engine.ReceivingFailed):
		a.Kind = api.BufferFailed
		a.Do = "fix the cause; Caddy tries again each second, and needs no restart"
		if errors.Is(s.Error, buffer.ErrOtherBuffer) {
			accept := "caddy smartcar buffer accept"
			a.Do = "mount or move back what was there, and it goes on by itself; or take what is there now: " + accept
			a.Commands = []string{accept}
		}
	case string(engine.ReceivingOpening):
		a.Kind = api.BufferOpening
		a.What = "the buffer is still opening: events wait for it, and get 503 where that takes too long"
		a.Do = "wait a moment; if it stays, look whether the disk hangs"
	case string(engine.ReceivingClosed):
		a.Kind = api.Stopping
		a.What = "Caddy is stopping"
		a.Do = "when it has been started again, ask again"
	case api.StateFull:
		a.Kind = api.BufferFull
		if errors.Is(s.Buffer.Full, buffer.ErrNoSpace) {
			a.Do = "make room on the disk, or get going what holds the events; it recovers by itself"
			break
		}
		if by := holders(v); by != "" {
			a.What = "events are refused with 503: the buffer is full, held by " + by
		}
		a.Do = "get these going, forget or drop, or raise max_size; it recovers by itself"
	default:
		a.Do = "look at the disk's load and at Caddy's log"
	}
	return []api.Attention{a}
}

// mistakeAttention is about handlers files of which nothing runs.
func mistakeAttention(mistake error) []api.Attention {
	if mistake == nil {
		return nil
	}
	return []api.Attention{{Kind: api.HandlersMistaken, Level: api.LevelError,
		What: text.Because("no handler runs because of a mistake in the handlers files", mistake.Error()),
		Do:   "fix the file, then reload; events wait",
	}}
}

// crowdAttention is about bodies that were refused since the memory for them was taken.
func crowdAttention(now time.Time, c traffic.Crowd) []api.Attention {
	if c.Refused == 0 {
		return nil
	}
	return []api.Attention{{
		Kind: api.BodyMemoryFull, Level: api.LevelWarning,
		What: fmt.Sprintf("bodies in arrival have filled body_memory: %s refused with 503 in %s, the last one %s ago",
			text.Plural(c.Refused, "request"), text.Duration(c.Last.Sub(c.Since)), text.Duration(max(0, now.Sub(c.Last)))),
		Do: "somebody sends bodies that stop half-way, or too many at once: find the addresses in the log, at body_memory_full," +
			" and keep them out with a firewall; if they are Smartcar's, raise body_memory",
	}}
}

func handlerAttention(now time.Time, h *api.Handler) []api.Attention {
	one := func(kind api.AttentionKind, level, what, do string, commands ...string) []api.Attention {
		do += strings.Join(commands, ", ")
		return []api.Attention{{Kind: kind, Level: level, What: what, Do: do, Commands: commands, Handler: h.Name}}
	}
	resume := "caddy smartcar resume " + h.Name
	switch h.State {
	case "down":
		if h.Mistaken && h.Place == "" {
			return nil // for all handlers together
		}
		if h.Mistaken {
			return one(api.HandlerMistaken, api.LevelError, text.Because(h.Name+" is down because of a mistake in the handlers files", h.LastError),
				"fix the file, then reload; its events wait")
		}
		return ownWords(h, one(api.HandlerDown, api.LevelError, text.Because(h.Name+" is down", h.LastError),
			"fix its plugin, then: ", "caddy smartcar restart "+h.Name))
	case "failing":
		return one(api.HandlerFailing, api.LevelError, text.Because(h.Name+" cannot go on", h.LastError),
			"look at the disk and at Caddy's log; if it stays, restart Caddy")
	case "breaker-open", "probing":
		what := h.Name + " has got nothing for less than a second"
		if since := now.Sub(h.Breaker.Since); since >= time.Second {
			what = fmt.Sprintf("%s has got nothing for %s", h.Name, text.Duration(since))
		}
		return ownWords(h, one(api.HandlerUnavailable, api.LevelError, text.Because(what, h.LastError),
			"fix what it depends on, then: ", resume))
	case "paused", "draining":
		if h.Behind.Events == 0 {
			return nil
		}
		return one(api.HandlerPaused, api.LevelWarning,
			fmt.Sprintf("%s is paused, %s events wait", h.Name, humanize.Comma(int64(h.Behind.Events))),
			"when it may go on: ", resume)
	default:
		return nil
	}
}

// ownWords notes which part of the items a handler's own program has said. What the bundled plugins say is ours.
func ownWords(h *api.Handler, items []api.Attention) []api.Attention {
	if h.Bundled {
		return items
	}
	for i := range items {
		items[i].Said = h.LastError
	}
	return items
}

func bufferAttention(v *api.Status) []api.Attention {
	var list []api.Attention
	b := &v.Buffer
	if b.LimitShare >= nearlyFull && v.Receiving.State != api.StateFull {
		what := fmt.Sprintf("the buffer has %.0f%% of its max_size of %s", 100*b.LimitShare, humanize.IBytes(b.LimitBytes))
		if by := holders(v); by != "" {
			what += ", held by " + by
		}
		list = append(list, api.Attention{Kind: api.BufferNearlyFull, Level: api.LevelWarning, What: what,
			Do: "at 95% events are refused: get what is behind going, or raise max_size"})
	}
	if b.ClockJump != 0 {
		list = append(list, clockAttention(b))
	}
	if b.DiskBytes > 0 && b.LimitBytes > b.DiskBytes {
		list = append(list, api.Attention{Kind: api.DiskTooSmall, Level: api.LevelWarning,
			What: fmt.Sprintf("max_size is %s, but the whole disk has %s", humanize.IBytes(b.LimitBytes), humanize.IBytes(b.DiskBytes)),
			Do:   "lower max_size, or use a larger disk: a full disk refuses events before max_size makes room"})
	}
	for i := range b.Damaged {
		if b.Damaged[i].RecoveredAt.IsZero() {
			list = append(list, damagedAttention(&b.Damaged[i]))
		}
	}
	if b.ControlLost {
		list = append(list, controlAttention(b))
	}
	if b.Corrupt > 0 {
		list = append(list, api.Attention{Kind: api.RecordsDamaged, Level: api.LevelError,
			What: text.Plural(b.Corrupt, "damaged record") + " found in the buffer",
			Do:   "see to the disk; the events are among the dead letters, as unreadable"})
	}
	return list
}

// clockAttention is about a jump of the system's clock.
func clockAttention(b *api.Buffer) api.Attention {
	way, by := "ahead", b.ClockJump
	if by < 0 {
		way, by = "back", -by
	}
	return api.Attention{Kind: api.ClockJumped, Level: api.LevelWarning,
		What: fmt.Sprintf("the clock has jumped %s by %s: nothing is deleted for its age", way, text.Duration(seconds(by))),
		Do: fmt.Sprintf("check the system's time; when it is right and steady, this ends by itself in %s",
			text.Duration(seconds(b.ClockSteadyIn)))}
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// namedHolders is how many of those that hold the buffer's room are named.
const namedHolders = 3

// holders names the handlers that hold the buffer's room, the largest backlog first.
func holders(v *api.Status) string {
	type holder struct {
		name, state string
		events      uint64
	}
	var list []holder
	for i := range v.Handlers {
		h := &v.Handlers[i]
		list = append(list, holder{h.Name, h.State, h.Behind.Events})
	}
	for _, r := range v.Removed {
		list = append(list, holder{r.Name, r.State, r.Behind.Events})
	}
	list = slices.DeleteFunc(list, func(h holder) bool { return h.events == 0 })
	slices.SortStableFunc(list, func(a, b holder) int { return cmp.Compare(b.events, a.events) })
	var parts []string
	for i, h := range list {
		if i == namedHolders {
			parts = append(parts, fmt.Sprintf("%d more", len(list)-i))
			break
		}
		state := h.state
		if state == "ok" || state == "waiting" {
			state = "behind"
		}
		parts = append(parts, fmt.Sprintf("%s (%s, %s)", h.name, state, text.Plural(h.events, "event")))
	}
	if v.Buffer.DeadLetters > 0 && len(parts) < namedHolders {
		parts = append(parts, text.Plural(v.Buffer.DeadLetters, "dead letter"))
	}
	return strings.Join(parts, ", ")
}

// replayAttention is about a replay that an operator has to decide about.
func replayAttention(r *api.Replay) []api.Attention {
	resume := "caddy smartcar replay resume " + r.ID
	a := api.Attention{Level: api.LevelWarning, Handler: r.Handler, About: r.ID, Commands: []string{resume}}
	switch r.State {
	case string(replay.StateFailed):
		a.Kind = api.ReplayFailed
		a.What = text.Because(fmt.Sprintf("replay %s to %s failed at %s", r.ID, r.Handler, text.Share(r.Share)), r.Error)
		a.Do = "fix the cause, then: " + resume
	case string(replay.StateStopped):
		a.Kind = api.ReplayStopped
		a.What = fmt.Sprintf("replay %s to %s was stopped at %s", r.ID, r.Handler, text.Share(r.Share))
		a.Do = "to go on: " + resume + "; or leave it"
	default:
		return nil
	}
	return []api.Attention{a}
}
