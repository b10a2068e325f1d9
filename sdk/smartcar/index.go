package smartcar

import (
	"slices"
	"time"
)

// SignalIndex has for each signal of a VEHICLE_STATE how new it is and where it is in the body. Reading it takes a
// small part of the time of [ParseEvent] and gives the same values.
type SignalIndex struct {
	// Sequence is that of the Event, DeliveredAt that of its Envelope.
	Sequence    int64
	DeliveredAt time.Time
	// Signals are one for each of the Event's, in the same order.
	Signals []SignalTime
}

// SignalTime is what a [SignalIndex] has of one signal; the fields are those of [Signal].
type SignalTime struct {
	Code                      string
	OEMUpdatedAt, RetrievedAt time.Time
	// Failed is set if there is no reading.
	Failed bool

	// at is the signal in the body, including its name if that is outside. before is where the previous element ends,
	// after where the next one begins; 0 if there is none.
	at            span
	before, after int
}

// IndexSignals reads the index of body. It returns false if [ParseEvent] would return
// an error, or an event of another type than VEHICLE_STATE.
func IndexSignals(body []byte) (SignalIndex, bool) {
	x := indexer{scanner: scanner{b: body}}
	x.blanks()
	if x.peek() != '{' || !x.fields(inRoot) {
		return SignalIndex{}, false
	}
	x.blanks()
	if x.i != len(body) || !x.vehicleState() {
		return SignalIndex{}, false
	}
	return x.index(), true
}

// Without returns body without the signals with these codes, and how many signals remain. A signal is removed with the
// comma after it, the last one with the comma before it; every other byte stays, also those of meta.signalCount. body
// must be the one that the index was read from; it is not changed.
func (x SignalIndex) Without(body []byte, codes []string) (rest []byte, left int) {
	var cuts []span
	kept := 0 // where the last element that stays ends
	for k, s := range x.Signals {
		if k == 0 || x.Signals[k-1].at.to != s.before {
			kept = s.before // it is a null, which is an element but no signal
		}
		if !slices.Contains(codes, s.Code) {
			left++
			kept = s.at.to
			continue
		}
		cut := span{s.at.from, s.after}
		if s.after == 0 {
			cut.to = s.at.to
			for len(cuts) > 0 && cuts[len(cuts)-1].from >= kept {
				cut.from = cuts[len(cuts)-1].from
				cuts = cuts[:len(cuts)-1]
			}
			if kept > 0 {
				cut.from = kept
			}
		}
		cuts = append(cuts, cut)
	}
	rest = make([]byte, 0, len(body))
	from := 0
	for _, cut := range cuts {
		rest = append(rest, body[from:cut.from]...)
		from = cut.to
	}
	return append(rest, body[from:]...), left
}
