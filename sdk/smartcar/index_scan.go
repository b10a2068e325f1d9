package smartcar

import (
	"strings"
	"time"
)

// indexer passes over a body once and notes what an index needs. Except for the event's type and the time of its
// delivery, which are the envelope's, it reads by the rules of encoding/json, as ParseEvent does: keys are the same in
// upper and lower case, and of repeated keys the last one counts, value by value.
type indexer struct {
	scanner
	eventType, eventName span
	sequence             number
	// exactMeta is set in the event's meta if its key is written as the envelope wants it.
	exactMeta                 bool
	deliveredAt, deliveryTime time.Time
	signals                   []SignalTime
	// codes are the codes of those signals, as spans of the body if they have no escapes.
	codes []span
	// signal is the one under way.
	signal wireTimes
}

// wireTimes are the values of a signal.
type wireTimes struct {
	code, name, group                    span
	oemUpdatedAt, retrievedAt, fetchedAt time.Time
	failed, hasError                     bool
	// A named signal that has one of them is more than a body, see namedSignal.
	hasBody, hasMeta, hasStatus bool
}

// place is an object that holds something of an index.
type place uint8

const (
	inRoot place = iota
	inData
	inMeta
	inSignal
	inSignalMeta
	inStatus
)

// placeKeys are the keys that count in each place.
var placeKeys = [...][]string{
	inRoot:       {"data", "meta"},
	inData:       {"signals"},
	inMeta:       {"sequence", "deliveredAt", "deliveryTime"},
	inSignal:     {"code", "name", "group", "meta", "status"},
	inSignalMeta: {"oemUpdatedAt", "retrievedAt", "fetchedAt"},
	inStatus:     {"value", "error"},
}

// known returns the key of that place for which encoding/json takes key, "" if none.
func known(in place, key []byte) string {
	for _, name := range placeKeys[in] {
		if string(key) == name {
			return name
		}
	}
	for _, name := range placeKeys[in] {
		if sameLetters(key, name) {
			return name
		}
	}
	return ""
}

// sameLetters reports whether key is name, in upper or lower case. name has only ASCII letters.
func sameLetters(key []byte, name string) bool {
	switch {
	case len(key) < len(name), key[0] < 0x80 && key[0]|0x20 != name[0]|0x20:
		return false
	case len(key) > len(name):
		// There are other forms of k and s, of two and three bytes.
		return len(key) <= 3*len(name) && strings.EqualFold(string(key), name)
	}
	for i := range key {
		if key[i]|0x20 != name[i]|0x20 {
			return false
		}
	}
	return true
}

// fields passes over an object; x.i is at its brace.
func (x *indexer) fields(in place) bool {
	if !x.open(true) {
		return false
	}
	for more, ok := x.begins('}'), true; ; more, ok = x.goesOn('}') {
		if !more {
			return ok
		}
		key, ok := x.key()
		if !ok || !x.field(in, key) {
			return false
		}
	}
}

// begins reports whether there is an element after the opening bracket; if there is none it passes over the closing
// one.
func (x *indexer) begins(end byte) bool {
	if x.peek() != end {
		return true
	}
	x.close()
	return false
}

// goesOn passes over the comma to the next element and reports that there is more, or
// over the closing bracket.
func (x *indexer) goesOn(end byte) (more, ok bool) {
	x.blanks()
	switch x.peek() {
	case ',':
		x.i++
		x.blanks()
		return true, true
	case end:
		x.close()
		return false, true
	}
	return false, false
}

// field passes over the value of a key and notes what it says.
func (x *indexer) field(in place, key []byte) bool {
	name := known(in, key)
	switch in {
	case inRoot:
		switch name {
		case "data":
			return x.inner(inData)
		case "meta":
			if x.exactMeta = string(key) == name; x.exactMeta {
				x.deliveredAt, x.deliveryTime = time.Time{}, time.Time{} // of the envelope's, the last one counts as a whole
			}
			return x.inner(inMeta)
		}
	case inData:
		if name == "signals" {
			return x.list()
		}
	case inSignal:
		switch string(key) {
		case "body":
			x.signal.hasBody = true
		case "meta":
			x.signal.hasMeta = x.peek() == '{'
		case "status":
			x.signal.hasStatus = x.peek() == '{'
		}
		switch name {
		case "meta":
			return x.inner(inSignalMeta)
		case "status":
			return x.inner(inStatus)
		}
	}
	from := x.i
	if !x.value() {
		return false
	}
	if in == inRoot {
		x.noteType(key, span{from, x.i})
		return true
	}
	if in == inMeta && name != "sequence" && (!x.exactMeta || string(key) != name) {
		return true // not the envelope's
	}
	x.note(in, name, span{from, x.i})
	return true
}

// inner passes over a value, which counts if it is an object.
func (x *indexer) inner(in place) bool {
	if x.peek() == '{' {
		return x.fields(in)
	}
	return x.value()
}

// noteType notes the event's type, whose keys are read as they are.
func (x *indexer) noteType(key []byte, v span) {
	switch string(key) {
	case "eventType":
		x.eventType = v
	case "eventName":
		x.eventName = v
	}
}

// note notes a value of the event's meta or of the signal under way.
func (x *indexer) note(in place, name string, v span) {
	raw, s := x.b[v.from:v.to], &x.signal
	switch in {
	case inMeta:
		switch name {
		case "sequence":
			_ = x.sequence.UnmarshalJSON(raw) // it has no errors
		case "deliveredAt":
			x.deliveredAt = parseTime(raw)
		case "deliveryTime":
			x.deliveryTime = parseTime(raw)
		}
	case inSignal:
		switch name {
		case "code":
			s.code = v
		case "name":
			s.name = v
		case "group":
			s.group = v
		}
	case inSignalMeta:
		switch name {
		case "oemUpdatedAt":
			s.oemUpdatedAt = parseTime(raw)
		case "retrievedAt":
			s.retrievedAt = parseTime(raw)
		case "fetchedAt":
			s.fetchedAt = parseTime(raw)
		}
	case inStatus:
		switch name {
		case "value":
			s.failed = !x.spells(v, StatusSuccess) && x.textOf(v) != ""
		case "error":
			s.hasError = raw[0] != 'n'
		}
	}
}

// vehicleState reports whether the event is a VEHICLE_STATE.
func (x *indexer) vehicleState() bool {
	return x.spells(x.eventType, TypeVehicleState) ||
		x.textOf(x.eventType) == "" && x.spells(x.eventName, TypeVehicleState)
}

// textOf returns the text of a value, "" if it is no string.
func (x *indexer) textOf(v span) string {
	if v == (span{}) || x.b[v.from] != '"' {
		return ""
	}
	return unquote(x.b[v.from:v.to])
}

// spells reports whether a value is a string of that text.
func (x *indexer) spells(v span, text string) bool {
	quoted := x.b[v.from:v.to]
	if len(quoted) == 0 || quoted[0] != '"' {
		return false
	}
	if spelt(quoted) {
		return string(quoted[1:len(quoted)-1]) == text
	}
	return unquote(quoted) == text
}
