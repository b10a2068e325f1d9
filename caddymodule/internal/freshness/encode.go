package freshness

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The encoding is a version, the number of entries, then the entries by code. Of a
// code only what differs from the one before is written, and of the numbers only the
// difference to those of the entry before, so that a signal takes some 20 bytes.

// version is the first byte of a table.
const version = 1

// maxRecorded is the end of the year 9999 in milliseconds, beyond which smartcar knows
// no times.
const maxRecorded = 253402300800000

// Append appends the table, for Decode. Equal tables have equal bytes; with 90 signals
// there are some 2 KB of them.
func (t *Table) Append(b []byte) []byte {
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(t.entries)))
	last := entry{}
	for _, e := range t.entries {
		shared := sharedPrefix(last.code, e.code)
		b = binary.AppendUvarint(b, uint64(shared))
		b = binary.AppendUvarint(b, uint64(len(e.code)-shared))
		b = append(b, e.code[shared:]...)
		b = binary.AppendVarint(b, e.age.recorded-last.age.recorded)
		b = binary.AppendVarint(b, e.age.retrieved-last.age.retrieved)
		b = binary.AppendVarint(b, e.age.sequence-last.age.sequence)
		last = e
	}
	return b
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Decode reads a table that Append wrote; no bytes are an empty one. The error says
// that the bytes are damaged or of a later version. What a caller can do then is to
// begin with an empty table: some stale signals are taken for new until it is filled.
func Decode(b []byte) (*Table, error) {
	t := &Table{}
	if len(b) == 0 {
		return t, nil
	}
	if b[0] != version {
		return nil, fmt.Errorf("reading the ages of signals: version %d is not known", b[0])
	}
	d := decoder{b: b[1:]}
	t.entries = make([]entry, d.uvarint(maxSignals))
	d.codes = make([]byte, 0, len(d.b))
	for i := range t.entries {
		d.entry(&t.entries[i])
	}
	if d.failed || len(d.b) > 0 {
		return nil, errors.New("reading the ages of signals: the bytes are damaged")
	}
	// The codes share one allocation.
	codes := string(d.codes)
	for i := range t.entries {
		n := int(d.lengths[i])
		t.entries[i].code, codes = codes[:n], codes[n:]
	}
	return t, nil
}

// decoder reads numbers until one fails, and then nothing but zeros.
type decoder struct {
	b      []byte
	failed bool
	// codes are those read so far, one after the other, and lengths theirs.
	codes   []byte
	lengths [maxSignals]uint8
	read    int
	// last is the age read last.
	last age
}

func (d *decoder) uvarint(most int) int {
	v, n := binary.Uvarint(d.b)
	if d.failed || n <= 0 || v > uint64(most) {
		d.failed = true
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if d.failed || n <= 0 {
		d.failed = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// entry reads an entry, all but its code.
func (d *decoder) entry(e *entry) {
	before := d.codes[len(d.codes):]
	if d.read > 0 {
		before = d.codes[len(d.codes)-int(d.lengths[d.read-1]):]
	}
	shared := d.uvarint(len(before))
	more := d.uvarint(maxCode - shared)
	if more > len(d.b) {
		d.failed = true
	}
	if d.failed {
		return
	}
	from := len(d.codes)
	d.codes = append(append(d.codes, before[:shared]...), d.b[:more]...)
	d.b = d.b[more:]
	d.last.recorded += d.varint()
	d.last.retrieved += d.varint()
	d.last.sequence += d.varint()
	sane := bytes.Compare(before, d.codes[from:]) < 0 &&
		d.last.recorded > 0 && d.last.recorded < maxRecorded &&
		d.last.retrieved >= 0 && d.last.retrieved < maxRecorded
	d.failed = d.failed || !sane
	d.lengths[d.read] = uint8(shared + more)
	d.read++
	e.age = d.last
}
