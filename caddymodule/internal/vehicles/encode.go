package vehicles

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errDamaged is of bytes that are no record.
var errDamaged = errors.New("damaged record of a vehicle")

// What a record has, as bits of its first byte.
const (
	hasLast    = 1 << iota // and the next two bits, by class
	_                      //
	_                      //
	hasReading             //
	hasFaults              //
	hasBits    = 1<<iota - 1
)

// appendTo appends the record as it lies on disk: a byte that says what there is, then each as a varint.
func (r *record) appendTo(b []byte) []byte {
	at := len(b)
	b = append(b, 0)
	for i, last := range r.last {
		if last != 0 {
			b[at] |= hasLast << i
			b = binary.AppendVarint(b, last)
		}
	}
	if r.reading != 0 {
		b[at] |= hasReading
		b = binary.AppendVarint(b, r.reading)
	}
	if len(r.faults) > 0 {
		b[at] |= hasFaults
		b = binary.AppendUvarint(b, uint64(len(r.faults)))
		for i := range r.faults {
			b = r.faults[i].appendTo(b)
		}
	}
	return b
}

func (f *fault) appendTo(b []byte) []byte {
	for _, text := range []string{f.typ, f.code, f.resolution} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	for _, m := range []moment{f.since, f.last, f.resolved} {
		b = binary.AppendVarint(b, m.at)
		b = binary.AppendUvarint(b, m.position)
	}
	return b
}

// decoder reads what appendTo has written; after a mistake failed is set and all else is 0.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	d.pass(n)
	return v
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.pass(n)
	return v
}

func (d *decoder) pass(n int) {
	if n <= 0 {
		d.failed, d.b = true, nil
		return
	}
	d.b = d.b[n:]
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.failed, d.b = true, nil
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) moment() moment { return moment{at: d.varint(), position: d.uvarint()} }

// parseRecord reads a record. What it returns shares no memory with b.
func parseRecord(b []byte) (r record, err error) {
	if len(b) == 0 || b[0]&^hasBits != 0 {
		return record{}, errDamaged
	}
	has, d := b[0], decoder{b: b[1:]}
	for i := range r.last {
		if has&(hasLast<<i) != 0 {
			r.last[i] = d.varint()
		}
	}
	if has&hasReading != 0 {
		r.reading = d.varint()
	}
	if has&hasFaults != 0 {
		n := d.uvarint()
		if n > mostFaults {
			return record{}, errDamaged
		}
		for range n {
			f := fault{typ: d.text(), code: d.text(), resolution: d.text()}
			f.since, f.last, f.resolved = d.moment(), d.moment(), d.moment()
			r.faults = append(r.faults, f)
		}
	}
	if d.failed || len(d.b) > 0 || !slices.IsSortedFunc(r.faults, compareFaults) {
		return record{}, errDamaged
	}
	return r, nil
}
