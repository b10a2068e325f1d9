package dispatch

import (
	"errors"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// An event that was in flight when the handler's process ended by itself may be the cause.
// After suspectCrashes such crashes it is delivered alone, so that the next crash proves it;
// after poisonCrashes it is a dead letter.
const (
	suspectCrashes = 2
	poisonCrashes  = 3
	// maxDetailBytes bounds what is stored of how a process ended.
	maxDetailBytes = 4096
)

// suspect reports whether an event is to be delivered alone.
func suspect(it *item) bool { return it.retry.Crashes >= suspectCrashes }

// sendSuspect calls the handler with one suspect, once no other call is under way. It reports
// whether everything else must wait.
func (d *Dispatcher) sendSuspect() (wait bool) {
	if d.isolating {
		return true
	}
	for d.suspects.len() > 0 {
		if d.underWay() > 0 || !d.delivers() {
			return true
		}
		if d.send(&d.suspects, 1) {
			d.isolating = true
			return true
		}
	}
	return false
}

// crashed notes that the handler's process ended by itself with these heads in
// flight. That becomes durable before they are delivered again.
func (d *Dispatcher) crashed(lanes []*lane, detail string) {
	for _, l := range lanes {
		d.afterDetach(l, func() {
			head := l.queue[0]
			head.retry.Crashes++
			head.retry.LastError = text.Clip(detail, maxDetailBytes)
			head.retry.NotBefore = time.Time{}
			if head.retry.Crashes >= poisonCrashes {
				d.dead(l, buffer.ReasonPoison, "")
				return
			}
			d.deferLane(l, time.Time{})
		})
	}
}

// crashDetail returns how the process ended, if it ended by itself.
func crashDetail(err error) (detail string, crash bool) {
	var c *CrashError
	if !errors.As(err, &c) {
		return "", false
	}
	return strings.TrimSpace(c.Detail), true
}
