package smartcar

import (
	"bytes"
	"strings"
)

// list passes over data.signals, which replaces an earlier one.
func (x *indexer) list() bool {
	x.signals, x.codes = x.signals[:0], x.codes[:0]
	switch x.peek() {
	case '[':
		return x.elements(']')
	case '{':
		return x.elements('}')
	}
	return x.value()
}

// elements passes over the signals of an array, or of an object that names them.
func (x *indexer) elements(end byte) bool {
	if !x.open(end == '}') {
		return false
	}
	before := 0 // where the element in front ends
	for more, ok := x.begins(end), true; ; more, ok = x.goesOn(end) {
		if !more {
			return ok
		}
		n, from := len(x.signals), x.i
		if n > 0 && x.signals[n-1].at.to == before {
			x.signals[n-1].after = from
		}
		if end == '}' {
			ok = x.namedSignal()
		} else {
			ok = x.unnamedSignal()
		}
		if !ok {
			return false
		}
		if len(x.signals) > n {
			x.signals[n].at, x.signals[n].before = span{from, x.i}, before
		}
		before = x.i
	}
}

// unnamedSignal passes over an element of an array. A null is no signal.
func (x *indexer) unnamedSignal() bool {
	null := x.peek() == 'n'
	x.signal = wireTimes{}
	if !x.inner(inSignal) {
		return false
	}
	if !null {
		x.add("")
	}
	return true
}

// namedSignal passes over a signal whose name is outside; see the function of this name.
func (x *indexer) namedSignal() bool {
	from := x.i
	if _, ok := x.key(); !ok {
		return false
	}
	quoted := x.b[from : from+bytes.LastIndexByte(x.b[from:x.i], '"')+1]
	x.signal = wireTimes{}
	if !x.inner(inSignal) {
		return false
	}
	if s := &x.signal; !s.hasBody && !s.hasMeta && !s.hasStatus {
		x.signal = wireTimes{}
	}
	x.add(parseSignalRef(unquote(quoted)).Code)
	return true
}

// add adds the current signal, with the code from outside if it has none itself.
func (x *indexer) add(outside string) {
	w := &x.signal
	s := SignalTime{OEMUpdatedAt: w.oemUpdatedAt, RetrievedAt: w.retrievedAt, Failed: w.failed || w.hasError}
	if s.RetrievedAt.IsZero() {
		s.RetrievedAt = w.fetchedAt
	}
	code := span{}
	if v := w.code; v.to-v.from > len(`""`) && x.b[v.from] == '"' && spelt(x.b[v.from:v.to]) {
		code = span{v.from + 1, v.to - 1}
	} else {
		ref := SignalRef{Code: x.textOf(w.code), Name: x.textOf(w.name), Group: x.textOf(w.group)}
		if ref.complete(); ref.Code == "" {
			ref.Code = outside
		}
		s.Code = ref.Code
	}
	if x.signals == nil {
		// A signal takes some 180 bytes, and signals most of a body.
		room := min(len(x.b)/160+1, 128)
		x.signals, x.codes = make([]SignalTime, 0, room), make([]span, 0, room)
	}
	x.signals, x.codes = append(x.signals, s), append(x.codes, code)
}

// index is what was noted. The codes share one allocation.
func (x *indexer) index() SignalIndex {
	size := 0
	for _, code := range x.codes {
		size += code.to - code.from
	}
	var all strings.Builder
	all.Grow(size)
	for i, code := range x.codes {
		if code.to == 0 {
			continue
		}
		from := all.Len()
		all.Write(x.b[code.from:code.to])
		x.signals[i].Code = all.String()[from:]
	}
	delivered := x.deliveredAt
	if delivered.IsZero() {
		delivered = x.deliveryTime
	}
	return SignalIndex{Sequence: int64(x.sequence), DeliveredAt: delivered, Signals: x.signals}
}
