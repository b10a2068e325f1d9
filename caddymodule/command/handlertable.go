package command

import (
	"fmt"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// handler describes one handler.
func (p printer) handler(h *api.Handler) error {
	plugin := strings.TrimSpace(h.Plugin.Name + " " + h.Plugin.Version)
	process := "down since " + p.clock(h.Plugin.Since)
	if h.Plugin.Up {
		process = fmt.Sprintf("pid %d, up since %s (%s)",
			h.Plugin.PID, p.clock(h.Plugin.Since), age(max(1, h.Plugin.UptimeSeconds)))
	}
	breaker := h.Breaker.State
	if breaker != "closed" && breaker != "" {
		breaker += fmt.Sprintf(" since %s, until %s", p.clock(h.Breaker.Since), p.clock(h.Breaker.Until))
	}
	behind := text.Plural(h.Behind.Events, "event")
	if h.Behind.Events > 0 {
		behind += fmt.Sprintf(", the oldest from %s (%s ago)", p.clock(h.Behind.Oldest), age(h.Behind.Seconds))
	}
	retrying := ""
	if h.Retrying.Lanes > 0 {
		retrying = fmt.Sprintf("%s of %s",
			text.Plural(h.Retrying.Events, "event"), text.Plural(uint64(h.Retrying.Lanes), "lane"))
		if !h.Retrying.NextDue.IsZero() {
			retrying += ", the next at " + p.clock(h.Retrying.NextDue)
		}
	}
	if h.State == api.StateStarting || h.State == api.StateStopping {
		process = ""
	} else {
		process = fmt.Sprintf("%s, %s", process, text.Plural(uint64(h.Plugin.Restarts), "restart"))
	}
	state := h.State
	if state == "waiting" {
		state += " for the next attempt, at " + p.clock(h.Retrying.NextDue)
	}
	lastEnd := h.Plugin.LastError
	if lastEnd == h.LastError {
		lastEnd = ""
	}
	c := &h.Counts
	rows := []pair{
		{"Handler", h.Name},
		{"Defined at", h.Place},
		{"State", state},
		{"Paused since", p.clock(h.PausedSince)},
		{"Plugin", text.Clean(plugin)},
		{"Process", process},
		{"Breaker", breaker},
		{"Behind", behind},
		{"In flight", text.Count(h.InFlight)},
		{"Suspects", zeroIsNothing(h.Suspects)},
		{"Retrying", retrying},
		{"Since its start", fmt.Sprintf("%s delivered, %s skipped, %s retried, %s replayed",
			text.Count(c.Delivered), text.Count(c.Skipped), text.Count(c.Retried), text.Count(c.Replayed))},
		{"Died since then", fmt.Sprintf("%s (%s poison, %s expired)",
			text.Count(c.Dead), text.Count(c.Poisoned), text.Count(c.Expired))},
		{"Stale signals", zeroIsNothing(c.Stale)},
		{"Future signals", zeroIsNothing(c.Future)},
		{"Last error", firstLine(h.LastError)},
		{"Last end", firstLine(lastEnd)},
	}
	for _, c := range h.Conditions {
		rows = append(rows, pair{"Reports", text.Because(text.Because(c.Name, c.Text), c.Advice)})
	}
	err := p.pairs(rows)
	p.whole("Last error", h.LastError, 0)
	p.whole("Last end", lastEnd, 0)
	return err
}

// removed describes a handler that is in no handlers file any more.
func (p printer) removed(r *api.RemovedHandler) error {
	behind := text.Plural(r.Behind.Events, "event")
	if r.Behind.Events > 0 {
		behind += fmt.Sprintf(", the oldest from %s (%s ago)", p.clock(r.Behind.Oldest), age(r.Behind.Seconds))
	}
	return p.pairs([]pair{
		{"Handler", r.Name},
		{"State", r.State},
		{"Removed", p.clock(r.RemovedAt)},
		{"Paused since", p.clock(r.PausedSince)},
		{"Behind", behind},
		{"Let go", p.clock(r.LetGoAt)},
	})
}

func zeroIsNothing[N int | uint64](n N) string {
	if n == 0 {
		return ""
	}
	return text.Count(n)
}
