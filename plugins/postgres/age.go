package postgres

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// apart is how far the clocks of a car, of Smartcar and of this machine may be apart.
const apart = time.Minute

// age is what readings of one signal are put in order by. Without recorded, where nobody knows when a reading was made,
// the other two are empty too.
type age struct {
	recorded, retrieved *time.Time
	sequence            int64
}

// ageOf is the age of a signal by Smartcar's advice: oemUpdatedAt, then retrievedAt, then meta.sequence. A time that is
// missing, or in the future, is no age: the reading loses to each that has one.
func ageOf(e *sdk.Event, decoded *smartcar.Event, s smartcar.Signal) age {
	if s.OEMUpdatedAt.IsZero() || isAfter(s.OEMUpdatedAt, s.RetrievedAt) {
		return age{}
	}
	for _, t := range []time.Time{s.OEMUpdatedAt, s.RetrievedAt} {
		if isAfter(t, decoded.DeliveredAt) || isAfter(t, e.ReceivedAt) {
			return age{}
		}
	}
	a := age{recorded: &s.OEMUpdatedAt, sequence: decoded.Sequence}
	if !s.RetrievedAt.IsZero() {
		a.retrieved = &s.RetrievedAt
	}
	return a
}

// isAfter reports whether a time is after a limit by more than clocks are apart. Nothing is after a limit that is not
// known.
func isAfter(t, limit time.Time) bool {
	return !limit.IsZero() && t.After(limit.Add(apart))
}

// toldAt is when Smartcar told of the errors of an event: meta.deliveredAt, or when it was received where that is
// missing or in the future.
func toldAt(e *sdk.Event, decoded *smartcar.Event) time.Time {
	if decoded.DeliveredAt.IsZero() || isAfter(decoded.DeliveredAt, e.ReceivedAt) {
		return e.ReceivedAt
	}
	return decoded.DeliveredAt
}

// latest is until when a stored time is believed: a later one is of a clock that was wrong, and anything replaces it.
func latest(now time.Time, events []signalRow) time.Time {
	for _, r := range events {
		if r.event.ReceivedAt.After(now) {
			now = r.event.ReceivedAt
		}
	}
	return now.Add(apart)
}
