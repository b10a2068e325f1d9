// Package freshness knows which signals of an event are stale: not newer than what a
// handler has had of the same vehicle before.
//
// Smartcar promises no order. A late retry brings an older event after newer ones, and
// every VEHICLE_STATE carries all signals of the webhook, changed or not. Smartcar's
// advice is to compare signal by signal, by the time at which the vehicle's maker
// recorded the reading, and to take one of equal age for not newer.
//
// # What is compared
//
// oemUpdatedAt; where that is equal, retrievedAt (or fetchedAt); where that is equal
// too, meta.sequence of the event. All have milliseconds. A retrievedAt or sequence
// that is missing comes before any that is there.
//
// meta.deliveredAt has no say: a retry renews it, so that the oldest event looks new.
//
// # What is neither judged nor noted
//
//   - a signal without oemUpdatedAt, with 0, or with seconds instead of milliseconds: nobody knows its age
//   - a signal that failed, in ERROR or UNAVAILABLE: it brings no reading that could be too old
//   - a signal with a time in the future: its clock is wrong, and what is noted of it would make every true reading
//     after it stale
//   - a signal without a code
//   - an event of another type than VEHICLE_STATE
//
// # What is in the future
//
// oemUpdatedAt after retrievedAt of the signal, and either of them after meta.deliveredAt of the event or after the
// event was received; each by more than a minute, since no two clocks are the same. A limit that is not known limits
// nothing. What a [Table] has from a time that has not come yet, as one may that an earlier version wrote or a clock
// that went wrong, counts as nothing and is written over.
//
// # What is stale
//
// A signal for which the [Table] has something at least as new. In a replay only one
// for which the table has something newer: the event that brought the newest reading is
// part of what is replayed.
//
// A [Table] is of one handler and one vehicle of one source and mode. It is to be written when
// the handler has finished an event, in the same step, so that an event which comes
// again because the step was lost finds the table as it was. A replay does not write
// it. A first delivery (after a vehicle was subscribed again) is judged as any other
// event: what it repeats is stale, what is new is not.
package freshness

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Mode says what becomes of stale signals.
type Mode string

// The modes.
const (
	// Deliver looks nothing up; "" means the same.
	Deliver Mode = "deliver"
	// Mark names the stale signals' codes in the delivery and leaves the body as it is.
	Mark Mode = "mark"
	// Drop cuts them out of the body, see [Cut], and names them too.
	Drop Mode = "drop"
)

// Reading is what [Read] reads of an event. It holds nothing of the body. The zero
// Reading has no signals.
type Reading struct {
	index    smartcar.SignalIndex
	received time.Time
}

// Read reads the age of each signal of an event in any form that smartcar.ParseEvent
// takes, without unpacking the rest. The event was received at that time, zero if
// nobody knows. It returns false if the event is no VEHICLE_STATE or cannot be read:
// there is nothing to judge then.
func Read(body []byte, received time.Time) (Reading, bool) {
	index, ok := smartcar.IndexSignals(body)
	return Reading{index, received}, ok
}

// Cut returns body without the signals of those codes, and how many signals are left,
// whether they have a time or not. Each goes with the comma next to it; every other
// byte stays as it is, triggers and meta.signalCount too. The result is valid JSON,
// has no signature, and shares no memory with body. r must be what Read read from body.
func Cut(body []byte, r Reading, codes []string) (cut []byte, left int) {
	return r.index.Without(body, codes)
}

// age is what readings of one signal are put in order by.
type age struct {
	recorded, retrieved int64 // milliseconds since 1970; 0 is unknown
	sequence            int64
}

// newer reports whether a is newer than b.
func (a age) newer(b age) bool {
	switch {
	case a.recorded != b.recorded:
		return a.recorded > b.recorded
	case a.retrieved != b.retrieved:
		return a.retrieved > b.retrieved
	}
	return a.sequence > b.sequence
}

// age returns the age of a signal, false if it cannot be judged.
func (r Reading) age(s *smartcar.SignalTime) (age, bool) {
	if !dated(s) || r.isFuture(s) {
		return age{}, false
	}
	a := age{recorded: s.OEMUpdatedAt.UnixMilli(), sequence: r.index.Sequence}
	if !s.RetrievedAt.IsZero() {
		a.retrieved = s.RetrievedAt.UnixMilli()
	}
	return a, true
}

// dated reports whether a signal has a reading with a time.
func dated(s *smartcar.SignalTime) bool {
	return !s.OEMUpdatedAt.IsZero() && !s.Failed && s.Code != ""
}
