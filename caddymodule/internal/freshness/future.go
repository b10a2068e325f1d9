package freshness

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// apart is how far the clocks of a car, of Smartcar and of this machine may be apart.
const apart = time.Minute

// isAfter reports whether a time is after a limit by more than clocks are apart. Nothing
// is after a limit that is not known.
func isAfter(t, limit time.Time) bool {
	return !limit.IsZero() && t.After(limit.Add(apart))
}

// Future counts the readings whose time is in the future, and which are therefore
// neither judged nor noted.
func (r Reading) Future() int {
	n := 0
	for i := range r.index.Signals {
		if s := &r.index.Signals[i]; dated(s) && r.isFuture(s) {
			n++
		}
	}
	return n
}

// isFuture reports whether a signal has a time that cannot be.
func (r Reading) isFuture(s *smartcar.SignalTime) bool {
	return isAfter(s.OEMUpdatedAt, s.RetrievedAt) || r.isAfter(s.OEMUpdatedAt) || r.isAfter(s.RetrievedAt)
}

// isAfter reports whether a time is after the event itself.
func (r Reading) isAfter(t time.Time) bool {
	return isAfter(t, r.index.DeliveredAt) || isAfter(t, r.received)
}

// isFuture reports whether an age that was noted has not come yet. If the clock of this
// machine was set back since the event was received, that time counts.
func (a age) isFuture(r Reading, now time.Time) bool {
	if r.received.After(now) {
		now = r.received
	}
	return isAfter(time.UnixMilli(max(a.recorded, a.retrieved)), now)
}
