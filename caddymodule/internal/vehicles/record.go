package vehicles

import (
	"cmp"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// class is what events are told apart by.
type class int

const (
	classState class = iota
	classError
	classOther
	classes
)

func classOf(eventType string) class {
	switch eventType {
	case smartcar.TypeVehicleState:
		return classState
	case smartcar.TypeVehicleError:
		return classError
	}
	return classOther
}

// heard is what is noted of a vehicle without a parser. Times are milliseconds since 1970; 0 is never.
type heard struct {
	// last is when the last event of each class was received.
	last [classes]int64
	// reading is the time of the newest reading.
	reading int64
}

func (h *heard) merge(o *heard) {
	for i := range h.last {
		h.last[i] = max(h.last[i], o.last[i])
	}
	h.reading = max(h.reading, o.reading)
}

// newest is when the last event was received.
func (h *heard) newest() int64 { return slices.Max(h.last[:]) }

// record is all that is kept of a vehicle. Records merge in any order, and one twice is as good as once.
type record struct {
	heard
	faults []fault // by type and code
}

// mostFaults bounds the errors that are kept of a vehicle. Open ones stay before resolved ones, then later ones.
const mostFaults = 16

// moment is when an event was received; events of one millisecond go by position.
type moment struct {
	at       int64
	position uint64
}

func (m moment) after(o moment) bool {
	return m.at > o.at || m.at == o.at && m.position > o.position
}

// fault is an error of a type and code, such as a VEHICLE_ERROR tells.
type fault struct {
	typ, code string
	// resolution is that of the last time.
	resolution string
	// since is the first time that it was told since it was last resolved, last the last one.
	since, last moment
	resolved    moment
}

func (f *fault) open() bool { return f.last.after(f.resolved) }

func (f *fault) merge(o *fault) {
	if o.last.after(f.last) {
		f.last, f.resolution = o.last, o.resolution
	}
	if o.resolved.after(f.resolved) {
		f.resolved = o.resolved
	}
	since := moment{}
	for _, s := range []moment{f.since, o.since, f.last} {
		if s.after(f.resolved) && (since == moment{} || since.after(s)) {
			since = s
		}
	}
	f.since = since
}

func compareFaults(a, b fault) int {
	return cmp.Or(cmp.Compare(a.typ, b.typ), cmp.Compare(a.code, b.code))
}

func (r *record) merge(o *record) {
	r.heard.merge(&o.heard)
	for i := range o.faults {
		r.addFault(&o.faults[i])
	}
	r.bound()
}

func (r *record) addFault(f *fault) {
	i, found := slices.BinarySearchFunc(r.faults, *f, compareFaults)
	if !found {
		r.faults = slices.Insert(r.faults, i, *f)
		return
	}
	r.faults[i].merge(f)
}

// bound lets go of errors beyond mostFaults.
func (r *record) bound() {
	if len(r.faults) <= mostFaults {
		return
	}
	slices.SortFunc(r.faults, func(a, b fault) int {
		switch {
		case a.open() != b.open():
			if a.open() {
				return -1
			}
			return 1
		case a.last.after(b.last):
			return -1
		case b.last.after(a.last):
			return 1
		}
		return compareFaults(a, b)
	})
	r.faults = slices.Clip(r.faults[:mostFaults])
	slices.SortFunc(r.faults, compareFaults)
}

// inError reports whether a VEHICLE_ERROR is open.
func (r *record) inError() bool {
	return slices.ContainsFunc(r.faults, func(f fault) bool { return f.open() })
}
