package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/buildinfo"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// The screen of `status`: all of it fits on 24 lines of 80 columns as long as there
// are few handlers, a line for the prompt included.
const (
	statusLines = 23
	// leastAttention items are shown even if the screen gets longer.
	leastAttention = 2
	// maxWrap bounds the lines of a text, maxItem those of an item that needs attention.
	maxWrap      = 3
	maxItem      = 2 * maxWrap
	handlerWidth = 20
)

func (p printer) status(v *api.Status) error {
	var lines []string
	if v.Version.Version != "" {
		info := buildinfo.Info{Version: v.Version.Version, Revision: v.Revision, Modified: v.Modified}
		lines = p.wrapped("Version    ", info.String(), maxWrap)
	}
	lines = append(lines, p.wrapped("Receiving  ", receivingLine(p, v), maxWrap)...)
	for _, s := range v.Sources {
		lines = append(lines, p.wrapped("Source     ", p.sourceLine(v, s), maxWrap)...)
		if line := p.tokensLine(v, &s); line != "" {
			lines = append(lines, p.wrapped("Tokens     ", line, maxWrap)...)
		}
		for _, line := range p.unchecked(v, s) {
			lines = append(lines, p.wrapped("Listener   ", line, maxWrap)...)
		}
	}
	if line := p.lossLine(v); line != "" {
		lines = append(lines, p.wrapped("Loss clock ", line, maxWrap)...)
	}
	lines = append(lines, p.wrapped("Buffer     ", p.bufferLine(v), maxWrap)...)
	if q := &v.Quarantine; q.On || q.Kept > 0 || q.Released > 0 {
		lines = append(lines, p.wrapped("Quarantine ", quarantineLine(&v.Quarantine), maxWrap)...)
	}
	for _, n := range v.Notices {
		lines = append(lines, p.wrapped("Note       ", n.What+": "+n.Do, maxWrap)...)
	}
	for _, r := range v.Replays {
		if r.State == "running" {
			lines = append(lines, p.wrapped("Replay     ", replayLine(r), maxWrap)...)
		}
	}
	for _, line := range lines {
		fmt.Fprintln(p.out, line)
	}
	rows := handlerRows(p, v)
	switch {
	case len(rows) == 0 && !v.Receiving.HasBuffer():
		fmt.Fprintln(p.out, "\nWhich handlers there are is known once the buffer is open.")
	case len(rows) == 0:
		fmt.Fprintln(p.out, "\nThere is no handler: what receivers store stays until there is one.")
	default:
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
	p.attention(v.Attention, room, false)
	return nil
}

func receivingLine(p printer, v *api.Status) string {
	if v.Receiving.Healthy {
		return "yes" + reached(p, v)
	}
	line := "NO, " + v.Receiving.State
	if v.Receiving.State == api.StateUnreached {
		line += lastChecked(p, v)
	}
	if !v.Receiving.Since.IsZero() {
		line += " since " + p.clock(v.Receiving.Since)
	}
	if !v.Receiving.NextTry.IsZero() {
		line += ", next try at " + p.clock(v.Receiving.NextTry)
	}
	return line
}

// sourceLine shows since when the counts run: a restart sets them back.
func (p printer) sourceLine(v *api.Status, s api.Source) string {
	line := s.Name
	if !v.Since.IsZero() {
		line += " since " + p.brief(v.Since, v.At, "15:04")
	}
	verifies := s.Passed+s.NotTaken > 0
	switch {
	case verifies && s.Stored == 0:
		line += fmt.Sprintf(": %s passed on", text.Count(s.Passed))
	case verifies:
		line += fmt.Sprintf(": %s stored, %s passed on", text.Count(s.Stored), text.Count(s.Passed))
	default:
		line += fmt.Sprintf(": %s stored", text.Count(s.Stored))
	}
	if !s.LastStored.IsZero() {
		line += fmt.Sprintf(" (last %s)", p.brief(s.LastStored, v.At, time.TimeOnly))
	}
	if s.NotTaken > 0 {
		line += fmt.Sprintf(", %s not taken by the application", text.Count(s.NotTaken))
	}
	line += ", " + text.Plural(s.Duplicates, "duplicate")
	if s.Unreadable > 0 {
		line += fmt.Sprintf(", %s unreadable", text.Count(s.Unreadable))
	}
	line += agesText(s.Ages)
	total := uint64(0)
	codes := slices.Sorted(maps.Keys(s.Refused))
	for i, code := range codes {
		total += s.Refused[code]
		codes[i] = fmt.Sprintf("%s %s", code, text.Count(s.Refused[code]))
	}
	if total == 0 {
		return line
	}
	line = fmt.Sprintf("%s, %s refused (%s", line, text.Count(total), strings.Join(codes, ", "))
	if !s.LastRefused.IsZero() {
		line += ", last " + p.brief(s.LastRefused, v.At, time.TimeOnly)
		if len(codes) > 1 {
			line += " " + s.LastRefusal
		}
	}
	return line + ")"
}

// agesText names only what there is.
func agesText(ages api.DeliveryAges) string {
	line := ""
	for _, a := range []struct {
		n    uint64
		what string
	}{
		{ages.TooOld, "too old"}, {ages.Future, "from the future"}, {ages.Missing, "without a time"},
		{ages.Unjudged, "too old by a doubtful clock"},
	} {
		if a.n > 0 {
			line += fmt.Sprintf(", %s %s", text.Count(a.n), a.what)
		}
	}
	return line
}

func (p printer) bufferLine(v *api.Status) string {
	if !v.Receiving.HasBuffer() {
		return "not open"
	}
	b := &v.Buffer
	line := fmt.Sprintf("%s, %s", text.Plural(b.Events, "event"), humanize.IBytes(b.Bytes))
	if b.LimitBytes > 0 {
		line += fmt.Sprintf(" of %s (%s)", humanize.IBytes(b.LimitBytes), text.Share(b.LimitShare))
	}
	line += ", " + text.Plural(b.DeadLetters, "dead letter")
	// Where it lies is worth no line of its own on a screen.
	if in := ", in " + b.Path; b.Path != "" && (p.width == 0 || len("Buffer     ")+len(line)+len(in) <= p.width) {
		line += in
	}
	return line
}

func quarantineLine(q *api.Quarantine) string {
	line := "empty"
	if q.Kept > 0 {
		line = fmt.Sprintf("%s kept, %s", text.Plural(uint64(q.Kept), "refused request"), humanize.IBytes(uint64(q.Bytes)))
	}
	switch {
	case q.Kept == 0:
	case q.Checking:
		line += ", being verified"
	case q.Releasable > 0:
		line += ", " + verb(q.Releasable, "verify", "verifies") + " now"
	default:
		line += ", none verifies"
	}
	if q.Released > 0 {
		line += fmt.Sprintf("; %s given back", text.Count(q.Released))
	}
	return line
}

func handlerRows(p printer, v *api.Status) []string {
	rows := make([]string, 0, len(v.Handlers)+len(v.Removed))
	for i := range v.Handlers {
		h := &v.Handlers[i]
		up := "-"
		if h.Plugin.Up {
			up = age(max(1, h.Plugin.UptimeSeconds))
		}
		rows = append(rows, cells(p.fit(h.Name, handlerWidth), h.State, text.Count(h.Behind.Events), age(h.Behind.Seconds),
			text.Count(h.Retrying.Lanes), text.Count(h.Counts.Dead), up))
	}
	for _, r := range v.Removed {
		rows = append(rows, cells(p.fit(r.Name, handlerWidth), r.State, text.Count(r.Behind.Events),
			age(r.Behind.Seconds), "-", "-", "-"))
	}
	return rows
}

// attention prints as many items as fit into a number of lines, the worst first; whole: nothing is cut.
func (p printer) attention(list []api.Attention, room int, whole bool) {
	if len(list) == 0 {
		fmt.Fprintln(p.out, "Nothing needs attention.")
		return
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b api.Attention) int { return strings.Compare(a.Level, b.Level) })
	var lines []string
	shown := 0
	for _, a := range list {
		item := p.attentionLines(a, whole)
		if !whole && shown >= leastAttention && len(lines)+len(item) > room {
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
	fmt.Fprintf(p.out, "%s %s attention%s:\n", text.Plural(uint64(len(list)), "thing"), need, more)
	for _, line := range lines {
		fmt.Fprintln(p.out, line)
	}
}

// attentionLines says what it is and what to do.
func (p printer) attentionLines(a api.Attention, whole bool) []string {
	mark := "! "
	if a.Level == api.LevelWarning {
		mark = "- "
	}
	return append(p.linesAfter(mark, a.What, whole), p.wrapped("  ", p.located(a.Do, a.Commands), maxWrap)...)
}
