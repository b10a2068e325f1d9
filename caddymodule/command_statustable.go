package caddymodule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

// The screen of `status`: all of it fits on 24 lines of 80 columns as long as there
// are few handlers, a line for the prompt included.
const (
	statusLines = 23
	// leastAttention is shown even if that makes it longer.
	leastAttention = 2
	// maxWrap is how many lines a text may have, maxItem what needs a person.
	maxWrap      = 3
	maxItem      = 2 * maxWrap
	handlerWidth = 20
)

func (p printer) status(v *statusView) error {
	lines := p.wrapped("Receiving  ", receivingLine(p, v), maxWrap)
	for _, s := range v.Sources {
		lines = append(lines, p.wrapped("Source     ", p.sourceLine(v, s), maxWrap)...)
	}
	lines = append(lines, p.wrapped("Buffer     ", bufferLine(v), maxWrap)...)
	for _, r := range v.Replays {
		if r.State == "running" {
			lines = append(lines, p.wrapped("Replay     ", replayLine(r), maxWrap)...)
		}
	}
	for _, line := range lines {
		fmt.Fprintln(p.out, line)
	}
	rows := handlerRows(p, v)
	if len(rows) == 0 {
		fmt.Fprintln(p.out, "\nThere is no handler: events are stored until there is one.")
	} else {
		fmt.Fprintln(p.out)
		if err := p.table("HANDLER\tSTATE\tBEHIND\tOLDEST\tRETRYING\tDIED\tUP", rows); err != nil {
			return err
		}
	}
	fmt.Fprintln(p.out)
	heading := 1
	room := statusLines - len(lines) - 1 - heading - max(1, len(rows)) - 1 - heading
	if p.width == 0 {
		room = len(v.Attention) * maxItem
	}
	p.attention(v.Attention, room)
	return nil
}

func receivingLine(p printer, v *statusView) string {
	if v.Receiving.Healthy {
		return "yes"
	}
	line := "NO, " + v.Receiving.State
	if !v.Receiving.Since.IsZero() {
		line += " since " + p.clock(v.Receiving.Since)
	}
	return line
}

// sourceLine says since when it counts: a restart begins anew.
func (p printer) sourceLine(v *statusView, s sourceView) string {
	line := s.Name
	if !v.Since.IsZero() {
		line += " since " + p.brief(v.Since, v.At, "15:04")
	}
	line += fmt.Sprintf(": %s stored, %s", count(s.Stored), plural(s.Duplicates, "duplicate"))
	if s.Unreadable > 0 {
		line += fmt.Sprintf(", %s unreadable", count(s.Unreadable))
	}
	total := uint64(0)
	codes := slices.Sorted(maps.Keys(s.Refused))
	for i, code := range codes {
		total += s.Refused[code]
		codes[i] = fmt.Sprintf("%s %s", code, count(s.Refused[code]))
	}
	if total == 0 {
		return line
	}
	return fmt.Sprintf("%s, %s refused (%s)", line, count(total), strings.Join(codes, ", "))
}

func bufferLine(v *statusView) string {
	b := &v.Buffer
	line := fmt.Sprintf("%s, %s", plural(b.Events, "event"), humanize.IBytes(b.Bytes))
	if b.LimitBytes > 0 {
		line += fmt.Sprintf(" of %s (%s)", humanize.IBytes(b.LimitBytes), share(b.LimitShare))
	}
	return line + ", " + plural(b.DeadLetters, "dead letter")
}

// share never says 0% or 100% of what is not.
func share(s float64) string {
	switch {
	case s <= 0:
		return "0%"
	case s < 0.01:
		return "<1%"
	case s < 1 && s > 0.99:
		return ">99%"
	default:
		return fmt.Sprintf("%.0f%%", 100*s)
	}
}

func handlerRows(p printer, v *statusView) []string {
	rows := make([]string, 0, len(v.Handlers)+len(v.Removed))
	for i := range v.Handlers {
		h := &v.Handlers[i]
		up := "-"
		if h.Plugin.Up {
			up = age(max(1, h.Plugin.UptimeSeconds))
		}
		rows = append(rows, cells(p.fit(h.Name, handlerWidth), h.State, count(h.Behind.Events), age(h.Behind.Seconds),
			count(h.Retrying.Lanes), count(h.Counts.Dead), up))
	}
	for _, r := range v.Removed {
		rows = append(rows, cells(p.fit(r.Name, handlerWidth), r.State, count(r.Behind.Events), age(r.Behind.Seconds), "-", "-", "-"))
	}
	return rows
}

// attention lists what fits into so many lines, what is worst first.
func (p printer) attention(list []attentionView, room int) {
	if len(list) == 0 {
		fmt.Fprintln(p.out, "Nothing needs a person.")
		return
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b attentionView) int { return strings.Compare(a.Level, b.Level) })
	var lines []string
	shown := 0
	for _, a := range list {
		item := p.attentionLines(a)
		if shown >= leastAttention && len(lines)+len(item) > room {
			break
		}
		lines = append(lines, item...)
		shown++
	}
	need, more := "need", ""
	if len(list) == 1 {
		need = "needs"
	}
	if shown < len(list) {
		more = fmt.Sprintf(", %d of them here (all: --json)", shown)
	}
	fmt.Fprintf(p.out, "%s %s a person%s:\n", plural(uint64(len(list)), "thing"), need, more)
	for _, line := range lines {
		fmt.Fprintln(p.out, line)
	}
}

// attentionLines says what it is and what to do.
func (p printer) attentionLines(a attentionView) []string {
	mark := "! "
	if a.Level == levelWarning {
		mark = "- "
	}
	return append(p.wrapped(mark, a.What, maxWrap), p.wrapped("  ", p.located(a.Do), maxWrap)...)
}

// handler describes one handler.
func (p printer) handler(h *handlerView) error {
	plugin := strings.TrimSpace(h.Plugin.Name + " " + h.Plugin.Version)
	process := "down since " + p.clock(h.Plugin.Since)
	if h.Plugin.Up {
		process = fmt.Sprintf("pid %d, up since %s (%s)", h.Plugin.PID, p.clock(h.Plugin.Since), age(max(1, h.Plugin.UptimeSeconds)))
	}
	breaker := h.Breaker.State
	if breaker != "closed" && breaker != "" {
		breaker += fmt.Sprintf(" since %s, until %s", p.clock(h.Breaker.Since), p.clock(h.Breaker.Until))
	}
	behind := plural(h.Behind.Events, "event")
	if h.Behind.Events > 0 {
		behind += fmt.Sprintf(", the oldest from %s (%s ago)", p.clock(h.Behind.Oldest), age(h.Behind.Seconds))
	}
	retrying := ""
	if h.Retrying.Lanes > 0 {
		retrying = fmt.Sprintf("%s of %s", plural(h.Retrying.Events, "event"), plural(uint64(h.Retrying.Lanes), "lane"))
		if !h.Retrying.NextDue.IsZero() {
			retrying += ", the next at " + p.clock(h.Retrying.NextDue)
		}
	}
	if h.State == stateStarting || h.State == stateStopping {
		process = ""
	} else {
		process = fmt.Sprintf("%s, %s", process, plural(uint64(h.Plugin.Restarts), "restart"))
	}
	lastEnd := clean(h.Plugin.LastError)
	if lastEnd == clean(h.LastError) {
		lastEnd = ""
	}
	c := &h.Counts
	return p.pairs([]pair{
		{"Handler", h.Name},
		{"Defined at", h.Place},
		{"State", h.State},
		{"Paused since", p.clock(h.PausedSince)},
		{"Plugin", clean(plugin)},
		{"Process", process},
		{"Breaker", breaker},
		{"Behind", behind},
		{"In flight", count(h.InFlight)},
		{"Suspects", zeroIsNothing(h.Suspects)},
		{"Retrying", retrying},
		{"Since its start", fmt.Sprintf("%s delivered, %s skipped, %s retried, %s replayed", count(c.Delivered), count(c.Skipped), count(c.Retried), count(c.Replayed))},
		{"Died since then", fmt.Sprintf("%s (%s poison, %s expired)", count(c.Dead), count(c.Poisoned), count(c.Expired))},
		{"Stale signals", zeroIsNothing(c.Stale)},
		{"Last error", clean(briefly(h.LastError))},
		{"Last end", lastEnd},
	})
}

// removed describes a handler that is in no handlers file any more.
func (p printer) removed(r *removedView) error {
	behind := plural(r.Behind.Events, "event")
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
	return count(n)
}
