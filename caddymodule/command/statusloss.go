package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// lossLine says what is lost, or will be unless it comes again in time; "" where nothing is.
func (p printer) lossLine(v *api.Status) string {
	var pending, lost uint64
	var last time.Time
	left := 0.0
	for i := range v.Sources {
		l := &v.Sources[i].Loss
		if l.Pending > 0 && (pending == 0 || l.ClockSeconds < left) {
			left = l.ClockSeconds
		}
		pending += l.Pending
		lost += l.Lost
		if l.LastLost.After(last) {
			last = l.LastLost
		}
	}
	var parts []string
	if pending > 0 {
		parts = append(parts,
			fmt.Sprintf("%s left for %s refused and not come again", period(left), text.Deliveries(pending)))
	}
	d := &v.Downtime
	if d.State == api.DowntimeOn {
		parts = append(parts, fmt.Sprintf("nothing could be received since %s", p.brief(d.Since, v.At, time.TimeOnly)))
	}
	var gone []string
	if lost > 0 {
		line := text.Deliveries(lost)
		if !last.IsZero() {
			line += fmt.Sprintf(" (last %s)", p.brief(last, v.At, time.TimeOnly))
		}
		gone = append(gone, line)
	}
	if d.LostSeconds > 0 {
		gone = append(gone, fmt.Sprintf("what was sent in %s of downtime", period(d.LostSeconds)))
	}
	if len(gone) > 0 {
		parts = append(parts, "lost: "+strings.Join(gone, ", "))
	}
	return strings.Join(parts, "; ")
}

func period(seconds float64) string {
	return text.Duration(time.Duration(seconds * float64(time.Second)))
}
